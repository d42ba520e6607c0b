"""`sutdol feedback`: labels from people."""

from pathlib import Path

from cyclopts import App

from sutdol.cli.output import note, opened, say

app = App(
    name="feedback", help="Take in labels from people.", help_format="plaintext", help_epilogue=""
)


@app.command(name="import")
def import_(
    file: Path, *, role: str = "guard", source: str | None = None, reviewed: bool = False
) -> None:
    """Take in labelled texts as feedback.

    Unreviewed feedback is trained on but never stands in the exam; with --reviewed you vouch for
    the labels, and they may.

    Example: sutdol feedback import corrections.jsonl --role guard --source web
    """
    from sutdol.loop.collect import collect
    from sutdol.roles.labelled import labelled

    with opened() as sutdol:
        shop = sutdol.workshop(role)
        texts = labelled(file, source=f"feedback:{source or file.name.split('.')[0]}")
        taken = collect(shop, texts, kind="feedback", reviewed=reviewed)
    say(f"{taken.new} new labels, {taken.known} known")
    note(f"Learn from them with `sutdol loop improve {role}`.")
