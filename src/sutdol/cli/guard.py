"""`sutdol guard`: train, ask and measure the guard."""

import json as jsonlib
from pathlib import Path
from typing import Any

from cyclopts import App

from sutdol.cli.output import (
    Files,
    Json,
    Names,
    Output,
    Seed,
    note,
    opened,
    percent,
    say,
    working,
    write_json,
    writing,
)
from sutdol.core.errors import Refused, UsageError

app = App(
    name="guard",
    help="Train, ask and measure the guard.",
    help_format="plaintext",
    help_epilogue="",
)


@app.command
def train(
    *,
    data: Files,
    seed: Seed = 0,
    text_column: str | None = None,
    label_column: Names | None = None,
    json: Json = None,
) -> None:
    """Train the first champion from labelled texts.

    Also in place of a champion that no longer loads.

    Example: sutdol guard train --data en.jsonl.gz ko.jsonl.gz
    Example: sutdol guard train --data a.csv --text-column comment

    Parameters
    ----------
    data
        JSONL (also gzipped) with text and label (0 ok, 1 violating), or CSV.
    text_column
        The CSV column of the texts; "text" unless given.
    label_column
        The CSV column of the labels, "label" unless given; several become categories.
    """
    from sutdol.cli.running import run
    from sutdol.cli.turn import instead
    from sutdol.roles.labelled import columns_of
    from sutdol.storage import versions

    columns = columns_of(text_column, label_column or [])
    args = {
        "role": "guard",
        "data": [str(path.absolute()) for path in data],
        "seed": seed,
        "text_column": columns.text,
        "labels": list(columns.labels),
    }
    with opened() as sutdol:
        with working("training"):
            ended = run(sutdol, "train", args, _show)
        if "busy" in ended:
            ended = instead(sutdol, "guard", ended["busy"], _show)
        if "version" not in ended:
            raise Refused(
                "The guard was improved meanwhile: `sutdol loop improve guard` trains on."
            )
        with sutdol.db.read() as tx:
            version = versions.get(tx, ended["version"])
    write_json({"version": version.id, **version.manifest}, json)
    if json != "-":
        say(f"{version.id} is the champion")


def _show(event: dict[str, Any]) -> None:
    if "known" in event:
        note(f"{event['new']} new texts, {event['known']} known")


@app.command
def check(text: str | None = None, /, *, file: Path | None = None, json: Json = None) -> None:
    """Ask about one text: flagged, score, categories, and where it shows.

    Example: sutdol guard check "win a free prize now"
    Example: sutdol guard check -- "-- a text that begins with a dash"
    Example: sutdol guard check --file message.txt --json -

    Parameters
    ----------
    text
        The text, in quotes.
    file
        A file that is one text, in place of it.
    """
    if (text is None) == (file is None):
        raise UsageError('Give a text or --file, one of them: sutdol guard check "some text".')
    content = text if text is not None else _content(Path(str(file)))
    with opened() as sutdol:
        found = sutdol.live().check(content)
    answer = {
        "flagged": found.flagged,
        "score": found.score,
        "threshold": found.threshold,
        "language": found.language,
        "categories": dict(found.categories),
        "applies": list(found.applies),
        "span": list(found.span) if found.span else None,
        "view": found.view,
        "untrained": list(found.untrained),
    }
    write_json(answer, json)
    if json == "-":
        return
    say("flagged" if found.flagged else "ok")
    say(f"score {found.score:.3f}, flagged from {found.threshold:.3f} ({found.language})")
    if found.flagged:
        say(f"categories: {', '.join(found.applies) or 'none trained'}")
        start, end = found.span or (0, 0)
        say(f"found in characters {start}-{end}, in the {found.view} view")
    note(f"untrained categories (always 0): {', '.join(found.untrained)}")


def _content(path: Path) -> str:
    from sutdol.core.errors import BadInput

    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput(f"{path} is not UTF-8 text: save it as UTF-8.") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from None


@app.command
def score(*, input: Path, output: Output) -> None:
    """Score many texts: one line per id.

    Example: sutdol guard score --input texts.jsonl.gz --output scores.jsonl

    Parameters
    ----------
    input
        JSONL (also gzipped) with text and, if you like, id; else the line's number is its id.
    output
        One JSON object a text: id, score, flagged, categories.
    """
    from sutdol.roles.scoring import scored, unlabelled

    if output.exists() and input.exists() and output.samefile(input):
        raise UsageError(f"{output} is the input: name another file for the scores.")
    with opened() as sutdol:
        lines = scored(sutdol.live(), unlabelled(input))
        count = 0
        with writing(output) as file:
            for line in lines:
                file.write(jsonlib.dumps(line, ensure_ascii=False) + "\n")
                count += 1
    note(f"{count} texts scored")


@app.command
def eval(*, data: Files, json: Json = None) -> None:
    """Measure the champion on labelled texts; texts it was trained on are left out.

    Example: sutdol guard eval --data test.jsonl.gz --json eval.json

    Parameters
    ----------
    data
        JSONL (also gzipped) with text and label (0 ok, 1 violating), or CSV.
    """
    from sutdol.roles.labelled import labelled
    from sutdol.roles.measured import fresh, measured

    with opened() as sutdol:
        texts = [one for path in data for one in labelled(path)]
        result = measured(sutdol.live(), fresh(sutdol.guard, texts))
    write_json(result, json)
    if json == "-":
        return
    note(f"{result['n']} texts; {result['left_out']} left out because they were trained on")
    for name, value in result["overall"].items():
        say(f"{name:10} {_figure(value)}")
    for by in ("language", "source", "category"):
        for key, figures in result[f"by_{by}"].items():
            shown = ", ".join(f"{n} {_figure(v)}" for n, v in figures.items() if v is not None)
            say(f"{by} {key}: {shown}")


def _figure(value: object) -> str:
    if isinstance(value, dict):
        return f"{percent(value['value'])} [{percent(value['low'])}, {percent(value['high'])}]"
    return "–" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)


@app.command
def calibrate(*, benign: Files, fpr: float = 0.05, json: Json = None) -> None:
    """Set the thresholds so that this share of your own harmless texts is flagged.

    Makes a new version with the same weights and crowns it, on record as
    your decision.

    Example: sutdol guard calibrate --benign harmless.jsonl --fpr 0.05

    Parameters
    ----------
    benign
        JSONL (also gzipped) or CSV with text; a label is not needed.
    fpr
        The share to flag, such as 0.05.
    """
    if not 0 < fpr < 1:
        raise UsageError("--fpr is a share between 0 and 1, such as 0.05.")
    from sutdol.roles.calibrate import calibrate as recalibrate
    from sutdol.roles.labelled import harmless

    with opened() as sutdol:
        texts = [one for path in benign for one in harmless(path)]
        crowned = recalibrate(sutdol.guard, sutdol.guard_role, texts, fpr=fpr)
    write_json({"version": crowned.version, "thresholds": dict(crowned.thresholds)}, json)
    shown = ", ".join(f"{name} {value:.4f}" for name, value in crowned.thresholds.items())
    if json != "-":
        say(f"{crowned.version} is the champion, thresholds {shown}")
    note("Later challengers are set to SUTDOL_GUARD__FPR on these and your other texts.")
