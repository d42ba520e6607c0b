"""Pages for people: a shell from a template, filled by small ES modules out of the REST API."""
