"""The improvement loop, one file per stage, the same for every role."""
