"""The `sutdol` command: one file per command group."""


def main() -> None:
    """Run the command line of this process."""
    from sutdol.cli.root import run

    raise SystemExit(run())
