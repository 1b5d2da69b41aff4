// Command atlas prints the changes that the open differ of Atlas finds between two
// PostgreSQL databases, one a line, as statements where it can write one.
//
//	atlas FROM-URL TO-URL
//
// Atlas's own program is no part of the module that the registry has; this calls the same
// packages: inspect both realms, diff them, plan the changes.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"

	"ariga.io/atlas/sql/migrate"
	"ariga.io/atlas/sql/postgres"
	"ariga.io/atlas/sql/schema"
	_ "github.com/lib/pq"
)

func realm(ctx context.Context, url string) (migrate.Driver, *schema.Realm, error) {
	db, err := sql.Open("postgres", url)
	if err != nil {
		return nil, nil, err
	}
	driver, err := postgres.Open(db)
	if err != nil {
		return nil, nil, err
	}
	found, err := driver.InspectRealm(ctx, &schema.InspectRealmOption{Exclude: []string{"safedeploy"}})
	return driver, found, err
}

func run(from, to string) error {
	ctx := context.Background()
	driver, old, err := realm(ctx, from)
	if err != nil {
		return err
	}
	_, new, err := realm(ctx, to)
	if err != nil {
		return err
	}
	changes, err := driver.RealmDiff(old, new)
	if err != nil {
		return err
	}
	if len(changes) == 0 {
		return nil
	}
	plan, err := driver.PlanChanges(ctx, "changes", changes)
	if err != nil {
		// found, though not written as statements
		for _, change := range changes {
			fmt.Printf("%T %+v\n", change, change)
		}
		return nil
	}
	for _, change := range plan.Changes {
		fmt.Println(change.Cmd)
	}
	return nil
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: atlas FROM-URL TO-URL")
		os.Exit(64)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "atlas:", err)
		os.Exit(1)
	}
}
