"""One file per attack family; each file registers its attacks with `sutdol.arena.attack`."""
