//go:build tools

// Package tools holds the modules in go.mod whose programs are built, not imported.
package tools

import _ "github.com/stripe/pg-schema-diff/cmd/pg-schema-diff"
