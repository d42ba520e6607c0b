"""One file per search; each file registers itself with `sutdol.arena.search`."""
