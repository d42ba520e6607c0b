"""The kinds of model the loop improves: one file a role."""
