-- Back to the search_path of the role or the database, in which a script would run.
RESET search_path
