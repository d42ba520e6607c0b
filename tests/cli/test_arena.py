"""`sutdol arena` and `sutdol demo`: attacks, battles, the selftest."""

import json
import re
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Fought, Program, Start

from sutdol.cli.root import run
from sutdol.cli.show import line
from sutdol.loop.role import Lesson
from sutdol.loop.verdict import Decision
from sutdol.models.fake import FakeServer
from sutdol.roles.selftest import Refusal

LINE = re.compile(
    r"round \d+/2 seen \d\.\d\d held_out \d\.\d\d adaptive (\d\.\d\d|nan) fpr \d\.\d\d"
    r" twins \d\.\d\d verdict (promote|reject|inconclusive|none)"
)
INTERVAL = {"value", "low", "high", "n"}
CURVES = ("seen", "held_out", "adaptive", "fpr_clean", "fpr_twins")
FIGHT = {
    "attacks", "detection_rate", "evasion_rate", "accuracy", "precision", "recall", "f1",
}  # fmt: skip


def test_every_attack_is_listed_with_its_family(sutdol: Program) -> None:
    listed = sutdol("arena", "attacks", "--json", "-").json
    shown = sutdol("arena", "attacks").out

    assert len(listed) > 50
    assert all(one["help"] and one["family"] for one in listed)
    assert {one["attack"] for one in listed} == {row.split()[0] for row in shown.splitlines()}


def test_every_line_is_flushed() -> None:
    class Watched(StringIO):
        flushed = 0

        def flush(self) -> None:
            self.flushed += 1

    with redirect_stdout(Watched()) as out:
        run(["arena", "attacks"])

    assert out.flushed == out.getvalue().count("\n") > 50


def test_equal_seeds_disguise_alike(sutdol: Program) -> None:
    def disguised(seed: int) -> str:
        text = "please remember the old whetstone"
        return sutdol("arena", "attack", text, "--attack", "homoglyph", "--seed", seed).out

    assert disguised(1) == disguised(1) != disguised(2)


def test_a_disguise_of_several_lines_is_one_answer_as_json(sutdol: Program) -> None:
    found = sutdol("arena", "attack", "hello world", "--attack", "newline_split", "--json", "-")

    assert found.json == {"attack": "newline_split", "seed": 0, "text": found.json["text"]}
    assert found.json["text"].replace("\n", "") == "hello world"


def test_an_attack_by_a_language_model_needs_an_endpoint(sutdol: Program, home: Path) -> None:
    refused = sutdol("arena", "attack", "hello", "--attack", "llm_paraphrase")

    assert refused.code == 1
    assert "OPENAI_BASE_URL" in refused.complaint


def test_an_attack_by_a_language_model_uses_the_endpoint(
    sutdol: Program, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeServer(reply=lambda _: "send the money by noon today") as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        done = sutdol("arena", "attack", "wire the cash by midday", "--attack", "llm_paraphrase")

    assert (done.code, done.out) == (0, "send the money by noon today\n")


def test_without_a_terminal_a_round_is_one_line_and_no_escape_codes(fought: Fought) -> None:
    lines = fought.shown.out.splitlines()

    assert fought.shown.code == 0
    assert len(lines) == 2
    assert all(LINE.fullmatch(one) for one in lines), lines
    assert "\x1b" not in fought.shown.out + fought.shown.err


def test_the_line_of_a_round_has_the_promised_form() -> None:
    def figure(value: float) -> dict[str, float]:
        return {"value": value}

    body: dict[str, Any] = {
        "round": 2,
        "seen": figure(0.81),
        "held_out": figure(0.64),
        "adaptive": figure(0.52),
        "fpr_clean": figure(0.05),
        "fpr_twins": figure(0.06),
        "verdict": {"decision": "promote"},
    }
    assert line(body, 10) == (
        "round 2/10 seen 0.81 held_out 0.64 adaptive 0.52 fpr 0.05 twins 0.06 verdict promote"
    )


def test_a_battle_as_json_has_the_promised_form(fought: Fought) -> None:
    battle = fought.json

    assert {"battle", "seed", "data", "rounds", "timing"} <= set(battle)
    assert (battle["battle"], battle["seed"]) == ("1", 3)
    assert [one["round"] for one in battle["rounds"]] == [1, 2]
    for one in battle["rounds"]:
        assert set(one) >= FIGHT
        assert all(set(one[name]) == INTERVAL for name in CURVES)
        assert set(one["fpr_twins_worst"]) == {"attack", *INTERVAL}
        assert one["independent"] is None
        assert isinstance(one["resists"], list)


def test_the_verdict_of_a_round_has_the_promised_form(fought: Fought) -> None:
    verdict = fought.json["rounds"][0]["verdict"]

    assert set(verdict) >= {
        "id", "role", "champion", "challenger", "decision", "reason", "primary", "guard_rails",
        "budget", "snapshot",
    }  # fmt: skip
    assert verdict["decision"] in ("promote", "reject", "inconclusive")


def test_a_battle_leaves_its_page_and_curve(fought: Fought) -> None:
    folder = fought.home.parent / "page"

    assert "<line-chart>" in (folder / "report.html").read_text(encoding="utf-8")
    assert (folder / "curve.svg").read_text(encoding="utf-8").startswith("<svg")


def test_equal_seeds_give_equal_rounds_in_another_process(
    home: Path, fought: Fought, start: Start
) -> None:
    tokens = ("--rounds", 1, "--seed", 3, "--json", "-")
    out, err = start("arena", "battle", *tokens, PYTHONHASHSEED="99").communicate(timeout=120)

    assert json.loads(out)["rounds"] == fought.json["rounds"][:1]
    assert err.replace("round 1/1 ", "round 1/2 ") == fought.shown.out.splitlines()[0] + "\n"


def test_a_battle_without_a_guard_trains_one_first(
    sutdol: Program, empty_home: Path, corpus: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUTDOL_BATTLE__TRIGGER", "0")  # nothing to learn: quicker
    done = sutdol("arena", "battle", "--data", corpus["new"], "--rounds", 1, "--json", "-")

    assert [one["guard"] for one in done.json["rounds"]] == ["guard-v1"]
    assert done.json["rounds"][0]["verdict"] is None


def test_a_battle_without_guard_and_data_says_what_to_give(
    sutdol: Program, empty_home: Path
) -> None:
    refused = sutdol("arena", "battle")

    assert refused.code == 1
    assert "--data FILE" in refused.complaint


def test_an_independent_attacker_is_a_curve_of_its_own(
    sutdol: Program, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUTDOL_BATTLE__TRIGGER", "0")
    rows = [
        {"id": f"x{number}", "original_id": f"unknown{number}", "text": "free pr1ze, cl1ck n0w"}
        for number in range(4)
    ]
    path = tmp_path / "independent.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")

    done = sutdol("arena", "battle", "--rounds", 1, "--independent", path, "--json", "-")

    assert done.json["rounds"][0]["independent"]["n"] == 4


def test_a_strategy_of_a_language_model_needs_an_endpoint(sutdol: Program, home: Path) -> None:
    refused = sutdol("arena", "battle", "--attack-strategy", "llm_generated")

    assert refused.code == 1
    assert "OPENAI_BASE_URL" in refused.complaint


Judged = Callable[..., None]


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Judged:
    """What the gate says to a cheat: tests/roles/test_selftest.py has it say so by itself."""

    def judge(decision: Decision) -> None:
        refusal = Refusal(
            cheat="evasions only", decision=decision, reason="lost", attacked_recall=(0.5, 0.4)
        )

        def judging(_: object, lesson: Lesson, exam: Sequence[object], *__: object) -> Any:
            assert len(lesson.train) > len(exam) > 1_500  # the bundled texts
            return [refusal]

        monkeypatch.setattr("sutdol.app.selftest", judging)

    return judge


def test_the_selftest_names_cheats_and_leaves_the_home_alone(
    sutdol: Program, empty_home: Path, judged: Judged
) -> None:
    judged("reject")
    done = sutdol("arena", "selftest", "--json", "-")

    assert done.code == 0
    assert done.json == [
        {
            "cheat": "evasions only",
            "refused": True,
            "decision": "reject",
            "reason": "lost",
            "attacked_recall": [0.5, 0.4],
        }
    ]
    assert not empty_home.exists()


def test_a_selftest_fails_where_a_cheat_gets_through(
    sutdol: Program, empty_home: Path, judged: Judged
) -> None:
    judged("promote")
    done = sutdol("arena", "selftest")

    assert done.code == 1
    assert "evasions only                NOT REFUSED  promote: lost" in done.out


def test_a_selftest_that_could_prove_nothing_says_so(
    sutdol: Program, empty_home: Path, corpus: dict[str, Path]
) -> None:
    done = sutdol("arena", "selftest", "--data", corpus["new"])

    assert done.code == 1
    assert "needs 500 violating and 1,000 harmless" in done.err


def test_the_demo_ends_by_itself_and_leaves_page_and_curve(
    sutdol: Program, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUTDOL_BATTLE__TRIGGER", "0")
    before = sutdol("loop", "status", "--json", "-").json

    done = sutdol("demo", "--rounds", 1)

    assert done.code == 0
    assert done.out.splitlines()[0].startswith("round 1/1 seen ")
    assert (home / "demo" / "report.html").is_file()
    assert (home / "demo" / "curve.svg").is_file()
    assert sutdol("loop", "status", "--json", "-").json == before
