"""`sutdol feedback`: labels from people."""

from pathlib import Path

from cyclopts import App

from sutdol.cli.output import Json, note, opened, say, working, write_json

app = App(
    name="feedback", help="Take in labels from people.", help_format="plaintext", help_epilogue=""
)


@app.command(name="import")
def import_(
    file: Path,
    *,
    role: str = "guard",
    source: str | None = None,
    reviewed: bool = False,
    json: Json = None,
) -> None:
    """Take in labelled texts as feedback.

    Unreviewed feedback is trained on but never stands in the exam; with --reviewed you vouch for
    the labels, and they may.

    Example: sutdol feedback import corrections.jsonl --role guard --source web

    Parameters
    ----------
    file
        JSONL (also gzipped) with text and label (0 ok, 1 violating), or CSV.
    source
        Where the labels come from; the file's name unless given. What `loop forget` erases.
    reviewed
        You vouch for the labels.
    """
    from sutdol.cli.running import run

    args = {
        "path": str(file.absolute()),
        "role": role,
        "kind": "feedback",
        "reviewed": reviewed,
        "source": f"feedback:{source or file.name.split('.')[0]}",
    }
    with opened() as sutdol:
        sutdol.workshop(role)
        with working(f"taking in {file.name}"):
            taken = run(sutdol, "import", args, lambda _: None)
        write_json(dict(taken), json)
    if json != "-":
        say(f"{taken['new']} new labels, {taken['known']} known")
    note(f"Learn from them with `sutdol loop improve {role}`.")
