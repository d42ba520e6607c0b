"""Help for every command, and what happens to a line that cannot be understood."""

from collections.abc import Iterator

import pytest
from cyclopts import App
from tests.cli.conftest import Program

from sutdol import __version__
from sutdol.cli.root import app


def commands(group: App, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command that does something, as the words that call it."""
    for name in group:
        if name.startswith("-"):
            continue
        one = group[name]
        yield from commands(one, (*path, name)) if one.default_command is None else [(*path, name)]


COMMANDS = sorted(commands(app))
PROMISED = """demo
guard train · guard check · guard score · guard eval · guard calibrate
arena attacks · arena attack · arena battle · arena selftest
feedback import
loop improve · loop status · loop history · loop show · loop verify · loop rollback · loop lineage
loop forget
flows list · flows show · flows cancel · flows resume
up · worker
users create · users list · users disable · users enable · users role · users password
keys create · keys list · keys revoke
db upgrade · db check · db copy
backup · restore
mlflow sync
doctor"""
REPORTS_NOTHING = {("guard", "score"), ("up",), ("worker",)}


def test_every_promised_command_is_there() -> None:
    promised = {tuple(one.split()) for line in PROMISED.splitlines() for one in line.split(" · ")}

    assert promised <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_says_what_the_command_does_and_gives_an_example(
    command: tuple[str, ...], sutdol: Program
) -> None:
    shown = sutdol(*command, "--help")

    assert shown.code == 0
    assert f"Usage: sutdol {' '.join(command)}" in shown.out
    assert f"Example: sutdol {' '.join(command)}" in shown.out
    assert shown.err == ""
    assert "\x1b" not in shown.out


@pytest.mark.parametrize("command", sorted({*COMMANDS} - REPORTS_NOTHING), ids=" ".join)
def test_every_command_that_reports_something_can_write_json(
    command: tuple[str, ...], sutdol: Program
) -> None:
    assert "--json" in sutdol(*command, "--help").out


@pytest.mark.parametrize("tokens", [(), ("--help",), ("guard",), ("arena",), ("loop",)])
def test_a_group_without_a_command_shows_its_help(tokens: tuple[str, ...], sutdol: Program) -> None:
    shown = sutdol(*tokens)

    assert (shown.code, shown.err) == (0, "")
    assert "Commands" in shown.out


def test_the_help_of_the_whole_program_has_examples(sutdol: Program) -> None:
    assert "sutdol arena battle --data mine.jsonl" in sutdol("--help").out


def test_the_version_is_the_answer(sutdol: Program) -> None:
    assert sutdol("--version").out == f"{__version__}\n"


@pytest.mark.parametrize(
    ("tokens", "hint"),
    [
        (["guard", "chek", "x"], 'Did you mean "check"?'),
        (["arena", "attacks", "--jsn", "-"], "Did you mean --json?"),
        (["arena", "attack", "hello", "--attack", "homoglif"], "Did you mean 'homoglyph'?"),
        (["arena", "battle", "--attack-strategy", "mixd"], "Did you mean 'mixed'?"),
        (["loop", "improve", "gard"], "Did you mean 'guard'?"),
        (["loop", "rollback", "gard"], "Did you mean 'guard'?"),
        (["loop", "lineage", "gard-v1"], "Did you mean 'guard-v1'?"),
        (["loop", "lineage", "x"], "Known: guard-v1."),
        (["loop", "show", "x"], "No verdict named 'x'."),
        (["loop", "verify", "x"], "No verdict named 'x'."),
        (["flows", "list", "--kind", "batle"], "Did you mean 'battle'?"),
        (["flows", "show", "x"], "No flow named 'x'."),
        (["flows", "cancel", "x"], "No flow named 'x'."),
        (["flows", "resume", "x"], "No flow named 'x'."),
        (["arena", "battle", "--resume", "7"], "No battle named '7'."),
        (["loop", "forget", "--source", "import:trian"], "Did you mean 'import:train'?"),
        (["feedback", "import", "corpus.jsonl", "--role", "gard"], "Did you mean 'guard'?"),
    ],
)
@pytest.mark.usefixtures("home")
def test_an_unknown_name_suggests_the_nearest(
    tokens: list[str], hint: str, sutdol: Program
) -> None:
    refused = sutdol(*tokens)

    assert refused.code == 2
    assert hint in refused.complaint


@pytest.mark.parametrize(
    ("tokens", "way_out"),
    [
        (["nope"], "Available commands: demo, guard"),
        (["guard", "train"], "--data requires an argument"),
        (["guard", "check"], "Give a text or --file"),
        (["guard", "check", "a", "--file", "b"], "Give a text or --file"),
        (["guard", "check", "two", "words"], "in quotes"),
        (["guard", "check", "-x"], "put --"),
        (["guard", "calibrate", "--benign", "x", "--fpr", "2"], "between 0 and 1"),
        (["guard", "calibrate", "--benign", "x", "--fpr", "nan"], "between 0 and 1"),
        (["arena", "attack", "a", "--attack", "case", "--seed", "x"], 'unable to convert "x"'),
        (["arena", "battle", "--rounds", "0"], "Must be >= 1"),
        (["arena", "battle", "--texts", "0"], "Must be >= 1"),
        (["arena", "battle", "--seed", "-1"], "Must be >= 0"),
        (["arena", "selftest", "--seed", "-1"], "Must be >= 0"),
        (["loop", "improve", "guard", "--seed", "-1"], "Must be >= 0"),
        (["demo", "--rounds", "0"], "Must be >= 1"),
        (["loop", "sealed", "guard", "--purpose", " "], "--purpose is empty"),
        (["loop", "status", "--json", "missing/x.json"], "folder does not exist"),
        (["loop", "status", "--json", "."], "It is a folder"),
        (["loop", "status", "--json", "-x"], "- for standard output"),
        (["guard", "score", "--input", "x", "--output", "missing/y"], "folder does not exist"),
        (["guard", "score", "--input", "x", "--output", "."], "It is a folder"),
        (["arena", "battle", "--report", __file__], "name a folder"),
        (["arena", "battle", "--report", f"{__file__}/x"], "name a folder"),
    ],
)
def test_a_line_that_makes_no_sense_is_refused_before_any_work(
    tokens: list[str], way_out: str, sutdol: Program, empty_home: object
) -> None:
    refused = sutdol(*tokens)

    assert refused.code == 2
    assert way_out in refused.complaint
    assert not empty_home.exists()  # type: ignore[attr-defined]
