"""`sutdol doctor`: what is there, what is missing, and how to get it."""

from sutdol.cli.output import Json, opened, say, write_json


def doctor(*, json: Json = None) -> None:
    """What there is and what is missing; the help stands in root.py."""
    from sutdol.checkup import checkup

    with opened() as sutdol:
        checks = checkup(sutdol)
    write_json(checks, json)
    if json != "-":
        for check in checks:
            say(f"{check['state']:8} {check['name']:22} {check['text']}")
    if any(check["state"] == "broken" for check in checks):
        raise SystemExit(1)
