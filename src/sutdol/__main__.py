"""`python -m sutdol` is the `sutdol` command."""

from sutdol.cli import main

main()
