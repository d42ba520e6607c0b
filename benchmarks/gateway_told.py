"""What the gateway's benchmark puts on the servers, and what it found, as tables and sentences."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from gateway_upstream import PACE, TOKENS
from section import table

DIRECT, BARE, OURS, BOTH, PEER = "direct", "bare", "sutdol", "sutdol, answers too", "LiteLLM"
PACED = 20  # clients
SAID = (
    "All gateways run at once on one core and are asked in turn, by clients on another core where"
    " the fake model server runs as well; {rounds} rounds of {seconds:g} s each, every answer a"
    " good one. *bare*: FastAPI and aiohttp pass everything on and do nothing else. *sutdol*:"
    " `sutdol up` with a key, limits of requests and tokens, the guard on what is asked, a row for"
    " each request and each decision, metrics, a log in a file; *answers too*: the guard also reads"
    " what is answered. *LiteLLM*: {peer} with one worker and a master key, without database and"
    " logs. Prompts have about 200 characters, half of them are English, half Korean, and each is"
    " new, so the guard has to decide about it; *known prompts* are the same 20 again and again. A"
    f" stream has {TOKENS} tokens."
)
CPU = (
    "Microseconds of CPU, all processes of a gateway together, median of the rounds. Other work on"
    " the machine makes all of them larger; so ratios are taken within each round: median [least,"
    " most]."
)
LATENCY = (
    "What a client waits longer than without a gateway, milliseconds, median [least, most] of the"
    " rounds: for a whole answer, one client; for the first bytes of a stream when"
    f" {PACED} run at once with a token each {1000 * PACE:.0f} ms. *direct* is the time itself."
)
LIFE = (
    "Seconds from the command to the first good answer, median of {starts} starts; MB of the"
    " process that answers (in brackets: all processes) after that answer and after everything."
)
Figures = dict[tuple[str, str, str], list[float]]
"""By cell, server and figure: one value a round."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One kind of load, and the servers that it is put on."""

    name: str
    asked: Mapping[str, Any]
    on: tuple[str, ...] = (BARE, OURS, BOTH, PEER)
    per: int = 1  # what the CPU of an answer is divided by


ONE = Cell(name="request, 1 client", asked={}, on=(DIRECT, BARE, OURS, BOTH, PEER))
KNOWN = Cell(name="the same, known prompts", asked={"new": False})
MANY = Cell(name="request, 16 clients", asked={"connections": 16})
STREAM = Cell(name="stream, 1 client", asked={"stream": True})
TOKEN = Cell(
    name=f"token, {PACED} paced streams",
    asked={
        "stream": True,
        "model": "paced",
        "connections": PACED,
        "apart": TOKENS * PACE / PACED,
    },
    on=(DIRECT, BARE, OURS, BOTH, PEER),
    per=TOKENS,
)
CELLS = (ONE, KNOWN, MANY, STREAM, TOKEN)


@dataclass(kw_only=True)
class Life:
    """What is known of a server besides requests; memory of one process and of all, MB."""

    ready: list[float] = field(default_factory=list)
    young: tuple[float, float] = (0.0, 0.0)
    old: tuple[float, float] = (0.0, 0.0)


def tables(figures: Figures, lives: Mapping[str, Life]) -> list[str]:
    """The paragraphs of the section, after the first."""
    heads = ["CPU us a", *lives, f"{OURS} / {BARE}"]
    heads += [f"{PEER} / {OURS}", f"{PEER} / {BOTH}"] if PEER in lives else []
    waits = ["wait, ms", "p50", "p99", "first bytes p50"]
    memory = ["server", "start s", "MB at first", "MB in the end"]
    return [
        CPU,
        table(heads, cpu_rows(figures, list(lives))),
        LATENCY,
        table(waits, latency_rows(figures, list(lives))),
        LIFE.format(starts=len(lives[OURS].ready)),
        table(memory, life_rows(lives)),
        "\n".join(judged(figures, lives)),
    ]


def cpu_rows(figures: Figures, names: Sequence[str]) -> Iterator[list[str]]:
    pairs = [(OURS, BARE), *([(PEER, OURS), (PEER, BOTH)] if PEER in names else [])]
    for cell in CELLS:
        found = [figures.get((cell.name, name, "cpu")) for name in names]
        compared = [ratios(figures, cell, *pair) for pair in pairs]
        yield [
            cell.name,
            *(f"{median(one):,.0f}" if one else "" for one in found),
            *(spread(one, ".1f") if one else "" for one in compared),
        ]


def ratios(figures: Figures, cell: Cell, above: str, below: str) -> list[float]:
    """Of the CPU, round by round; none where one of them was not measured."""
    over, under = (figures.get((cell.name, name, "cpu"), []) for name in (above, below))
    return [one / other for one, other in zip(over, under, strict=False)]


def spread(values: Sequence[float], form: str) -> str:
    return f"{median(values):{form}} [{min(values):{form}}, {max(values):{form}}]"


def latency_rows(figures: Figures, names: Sequence[str]) -> Iterator[list[str]]:
    wanted = [(ONE, "p50"), (ONE, "p99"), (TOKEN, "first")]
    yield [
        DIRECT,
        *(spread(figures[cell.name, DIRECT, figure], ".2f") for cell, figure in wanted),
    ]
    for name in names:
        more = [added(figures, cell, name, figure) for cell, figure in wanted]
        yield [name, *(spread(one, "+.2f") for one in more)]


def added(figures: Figures, cell: Cell, name: str, figure: str) -> list[float]:
    """Milliseconds more than without a gateway, round by round."""
    through, direct = figures[cell.name, name, figure], figures[cell.name, DIRECT, figure]
    return [one - other for one, other in zip(through, direct, strict=True)]


def life_rows(lives: Mapping[str, Life]) -> Iterator[list[str]]:
    for name, life in lives.items():
        memory = [f"{one:.0f} ({all_:.0f})" for one, all_ in (life.young, life.old)]
        yield [name, f"{median(life.ready):.2f}", *memory]


def judged(figures: Figures, lives: Mapping[str, Life]) -> Iterator[str]:
    """Each target beside what was found."""
    if PEER in lives:
        for cell in (ONE, MANY, STREAM):
            found = median(ratios(figures, cell, PEER, OURS))
            yield aimed(f"CPU of LiteLLM / sutdol, {cell.name}", found, least=15)
    for cell in (ONE, MANY, STREAM):
        found = median(ratios(figures, cell, OURS, BARE))
        yield aimed(f"CPU of sutdol / bare, {cell.name}", found, most=2.5)
    yield aimed("CPU of a token, us", median(figures[TOKEN.name, OURS, "cpu"]), most=100)
    yield aimed("added p50, ms", median(added(figures, ONE, OURS, "p50")), most=1)
    yield aimed("start, s", median(lives[OURS].ready), most=2)
    yield aimed(
        "memory of the process that answers, guard included, MB", lives[OURS].young[0], most=100
    )


def aimed(name: str, value: float, *, most: float = 0.0, least: float = 0.0) -> str:
    met = value <= most if most else value >= least
    bound = f"<= {most:g}" if most else f">= {least:g}"
    return f"- {name}: {value:.1f}, target {bound}: {'met' if met else '**missed**'}"
