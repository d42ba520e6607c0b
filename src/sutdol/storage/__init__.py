"""All that outlives the process: tables, migrations and files. Imports only core of ours."""
