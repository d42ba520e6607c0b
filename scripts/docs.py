"""Write the generated reference pages: python scripts/docs.py, or --check to compare only."""

import re
import sys
from html import escape
from pathlib import Path
from random import Random

from pydantic import BaseModel

from sutdol.api.access import rule
from sutdol.api.app import routes
from sutdol.arena.attack import ATTACKS, Attack
from sutdol.arena.disguise import disguise
from sutdol.arena.families import COVERED_BY_CODE, COVERED_IN_ENGLISH, HELD_OUT
from sutdol.arena.search import SEARCHES
from sutdol.cli.root import app
from sutdol.core.sections import Upstream
from sutdol.core.settings import CONVENTIONAL, Settings
from sutdol.metrics.measure import METRICS

FOLDER = Path(__file__).parent.parent / "docs" / "reference"
MADE = "<!-- made by scripts/docs.py: change the code, then run it -->\n"
SAMPLES = {
    "en": "Please remember the old whetstone",
    "ko": "내일 아침에 숫돌 가져와 주세요 귀여운 고양이도",
}
# Settings that are read and checked, but that nothing in this release uses.
LATER = {"hf_token"}
TAGS = {
    "OpenAI": "OpenAI's clients need nothing but another `base_url`, ending in `/v1`.",
    "Perspective": "[Move from Perspective](../how-to/move-from-perspective.md).",
    "Sutdol": "Our own.",
    "Health": "For those who watch over it: [Prometheus](../how-to/watch-with-prometheus.md).",
}
SEEN_AS_NOTHING = "[\u0000-\u001f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff]"
_INVISIBLE = re.compile(f"{SEEN_AS_NOTHING}|[\U000e0000-\U000e007f]")


def commands() -> str:
    """Every command with its options, as its own help has them."""
    text = app.generate_docs(output_format="markdown")
    text = text.partition("## Table of Contents")[2]
    contents, _, rest = text.partition("**Commands**:")
    # the parser lists negations that the help does not show
    body = re.sub(r", --(?:no|empty)-[a-z-]+", "", rest.partition("\n## ")[2])
    body = re.sub(r"((?:^Example: .*\n)+)", _examples, body, flags=re.MULTILINE)
    return (
        f"# Commands\n\n{MADE}\n"
        "Exit codes: [exit-codes.md](exit-codes.md). JSON: [json.md](json.md). `--json -` writes"
        " to standard output. Options that take a list take several values, and"
        f" may be repeated.\n{contents}\n## {body}"
    )


def _examples(found: re.Match[str]) -> str:
    lines = [line.removeprefix("Example: ") for line in found[1].splitlines()]
    return "\n".join(["```sh", *lines, "```", ""])


def settings() -> str:
    """Every field of Settings."""
    used = [row for name, row in _fields(Settings, "") if name not in LATER]
    later = [row for name, row in _fields(Settings, "") if name in LATER]
    head = "| setting | environment | default | meaning |\n|---|---|---|---|\n"
    return (
        f"# Settings\n\n{MADE}\n"
        "Where a value comes from, the last one winning: the default, `sutdol.yaml`, `.env`, the"
        " environment. `sutdol.yaml` and `.env` are looked for in the working folder;"
        " `SUTDOL_CONFIG` names another YAML file. Nested settings are nested in the YAML file and"
        " joined with `__` in the environment. `${NAME}` and `${NAME:-default}` in the YAML file"
        " are filled from the environment. An empty value counts as not set; an unknown setting in"
        " the file is an error.\n\n"
        "```yaml\n# sutdol.yaml\nhome: /srv/sutdol\nbattle:\n  texts: 300\nguard:\n  fpr: 0.02\n"
        "loop:\n  improve_cron: 0 4 * * *\n  timezone: Asia/Seoul\n"
        "openai_base_url: ${LLM_URL:-http://127.0.0.1:11434/v1}\n```\n\n"
        "```sh\nSUTDOL_BATTLE__TEXTS=300 sutdol arena battle --data mine.jsonl\n```\n\n"
        f"## In use\n\n{head}{''.join(used)}\n"
        "## Read and checked, not used yet\n\n"
        "These belong to applications that are on the way; setting them changes nothing today.\n\n"
        f"{head}{''.join(later)}\n"
        "Where two names are given, the first one counts when both are set. Lists are JSON in the"
        """ environment, such as `SUTDOL_GATEWAY__GUARD_ROLES='["user"]'`.\n\n"""
        "`database_url` understands `sqlite:`, `sqlite+aiosqlite:`, `postgres:`, `postgresql:`,"
        " `postgresql+asyncpg:` and `postgresql+psycopg2:` and maps them to its own drivers; the"
        " one for PostgreSQL is installed with Sutdol. More: [workers](../how-to/run-workers.md),"
        " [PostgreSQL](../how-to/use-postgresql.md), [Redis](../how-to/use-redis.md),"
        " [MLflow](../how-to/mirror-to-mlflow.md), [the server](../how-to/run-the-server.md).\n\n"
        f"## An upstream\n\n{_upstream()}"
    )


def _fields(model: type[BaseModel], prefix: str) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, field in model.model_fields.items():
        if isinstance(field.default, BaseModel):
            rows += _fields(type(field.default), f"{name}.")
            continue
        names = [f"SUTDOL_{prefix}{name}".upper().replace(".", "__"), *CONVENTIONAL.get(name, ())]
        shown = "" if field.default in (None, "", ()) else f"`{field.default}`"
        variables = ", ".join(f"`{one}`" for one in names)
        meaning = " ".join((field.description or "").split())
        rows.append((name, f"| `{prefix}{name}` | {variables} | {shown} | {meaning} |\n"))
    return rows


def _upstream() -> str:
    fields = Upstream.model_fields.items()
    return (
        "The fields of each entry of `upstreams`, in the YAML file"
        " ([examples](../how-to/put-models-behind-the-gateway.md)).\n\n"
        "| field | meaning |\n|---|---|\n"
        + "".join(f"| `{name}` | {field.description} |\n" for name, field in fields)
    )


def attacks() -> str:
    """Every attack by family, shown on a harmless sentence."""
    families: dict[str, list[Attack]] = {}
    for one in ATTACKS.values():
        families.setdefault(one.family, []).append(one)
    held = "; ".join(f"{language}: {', '.join(names)}" for language, names in HELD_OUT.items())
    parts = [
        f"# Attacks\n\n{MADE}\n{len(ATTACKS.values())} attacks in {len(families)} families."
        " The same text, attack and seed give the same disguise on every machine.\n\n"
        f"Held out for ever, never trained on: {held}. “Covered by code”: a view of the"
        " normaliser was written for the family, so what it shows is code rather than learning;"
        " “in part (en)”: the guard's lexicon mends it in words that its training texts"
        " hold. Examples are made with seed 1; characters that show as nothing are marked `·`.\n\n"
        "```sh\nsutdol arena attacks\n"
        'sutdol arena attack "a harmless text" --attack homoglyph --seed 1\n```\n'
    ]
    for family, members in sorted(families.items()):
        notes = [f"held out in {name}" for name, names in HELD_OUT.items() if family in names]
        notes += ["covered by code"] if family in COVERED_BY_CODE else []
        notes += ["covered by code in part (en)"] if family in COVERED_IN_ENGLISH else []
        notes += [] if all(one.readable for one in members) else ["not readable, so in no battle"]
        parts.append(f"\n## {family}\n\n" + (f"{', '.join(notes).capitalize()}.\n\n" * bool(notes)))
        parts.append("| attack | group | languages | on | what it does | example |\n")
        parts.append("|---|---|---|---|---|---|\n")
        parts += [_attack_row(one) for one in members]
    parts.append(
        "\n## Searches\n\nAn adaptive attacker sees the guard's score and tries again.\n\n"
    )
    parts.append("| search | what it does |\n|---|---|\n")
    parts += [f"| `{name}` | {SEARCHES[name].__doc__} |\n" for name in SEARCHES]
    return "".join(parts)


def _attack_row(one: Attack) -> str:
    return (
        f"| `{one.name}` | {one.group} | {', '.join(one.languages)} | {one.scope} |"
        f" {_cell(one.doc)} | {_cell(_example(one))} |\n"
    )


def _example(one: Attack) -> str:
    if one.group == "llm_generated":
        return "needs a language model"
    text = SAMPLES["ko" if one.group == "korean_evasion" else "en"]
    return _INVISIBLE.sub("·", disguise(one, text, Random(1)).replace("\n", "⏎"))


def _cell(text: str) -> str:
    return re.sub(r"([\\|*_~`\[\]])", r"\\\1", escape(text, quote=False))


def metrics() -> str:
    """Every metric of `guard eval`."""
    rows = "".join(f"| `{name}` | {METRICS[name].__doc__} |\n" for name in METRICS)
    return (
        f"# Metrics\n\n{MADE}\n"
        "A metric gives one number per case; its value is the mean over the cases that count, with"
        " Wilson's 95 % interval (Wilson 1927) and n. `guard eval` shows them overall and per"
        " language, source and category.\n\n"
        f"| metric | what it is |\n|---|---|\n{rows}"
        "| `f1` | Harmonic mean of precision and recall; it is no mean over texts, so it has no"
        " interval. |\n\n"
        "The interval of `auroc` takes the violating texts for independent and the harmless ones as"
        " fixed; it is a guide, not a test.\n\n"
        "How to add one: [../how-to/add-a-metric.md](../how-to/add-a-metric.md). What the gate"
        " measures is something else: [../explanation/gate.md](../explanation/gate.md).\n"
    )


def rest() -> str:
    """Every route by its tag; what stands above the mark is written by hand and stays."""
    by_hand = (FOLDER / "rest.md").read_text(encoding="utf-8").partition(MADE)[0]
    rows: dict[str, list[str]] = {tag: [] for tag in TAGS}
    for path, methods in routes().openapi()["paths"].items():
        for method, said in methods.items():
            rows[said["tags"][-1]].append(_route_row(method.upper(), path, said))
    head = "| route | what | scope | role |\n|---|---|---|---|\n"
    parts = [f"\n### {tag}\n\n{TAGS[tag]}\n\n{head}{''.join(rows[tag])}" for tag in TAGS]
    return f"{by_hand}{MADE}{''.join(parts)}"


def _route_row(method: str, path: str, said: dict[str, str]) -> str:
    needed = rule(method, path)
    scope = "open" if needed.open else "any" if needed.scope == "*" else needed.scope
    role = "" if needed.open else needed.role
    what = " ".join(said["description"].partition("\n\n")[0].split()).replace("|", r"\|")
    return f"| `{method} {path}` | {what} | {scope} | {role} |\n"


PAGES = {
    "commands": commands,
    "settings": settings,
    "attacks": attacks,
    "metrics": metrics,
    "rest": rest,
}


def main() -> int:
    """Write the pages; with --check tell which ones are stale."""
    stale = []
    for name, make in PAGES.items():
        path, text = FOLDER / f"{name}.md", make().rstrip() + "\n"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in sys.argv:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    if stale and "--check" in sys.argv:
        sys.stderr.write(f"Stale: {', '.join(stale)}. Run `python scripts/docs.py`.\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
