"""Evidence: canonical rows, and a file from which the verdict can be computed again."""

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from sutdol.core.errors import BadInput
from sutdol.loop.evidence import Evidence, Row, Scored, evidence, from_json
from sutdol.loop.verdict import Verdict

Exam = Callable[..., Evidence]
Judge = Callable[..., Verdict]

A, B = (Row(case=case, probe="clean", tags=("answer",)) for case in "ab")


def scored(*scores: float) -> Scored:
    return Scored(version="v1", scores=np.array(scores), thresholds={})


def test_rows_are_sorted_and_their_scores_move_with_them() -> None:
    found = evidence([B, A], champion=scored(2, 1), challenger=scored(4, 3))
    assert found.rows == (A, B)
    assert list(found.champion.scores) == [1, 2]
    assert list(found.challenger.scores) == [3, 4]


def test_a_repeated_row_stands_once() -> None:
    found = evidence([A, B, A], champion=scored(1, 2, 1), challenger=scored(3, 4, 3))
    assert found.rows == (A, B)


def test_of_a_row_scored_twice_unlike_the_order_does_not_choose() -> None:
    one = evidence([A, A], champion=scored(1, 2), challenger=scored(3, 4))
    two = evidence([A, A], champion=scored(2, 1), challenger=scored(4, 3))
    assert one.json() == two.json()


def test_without_an_anchor_the_champion_is_the_anchor() -> None:
    assert list(evidence([A], champion=scored(1), challenger=scored(2)).anchor.scores) == [1]


def test_scores_that_do_not_match_the_rows_are_refused() -> None:
    with pytest.raises(BadInput, match="differ in number"):
        evidence([A, B], champion=scored(1, 2), challenger=scored(3))


def test_the_hash_of_the_cases_knows_neither_order_nor_scores() -> None:
    twice = replace(A, tags=("lang:en", "answer"))
    one = evidence([twice, B], champion=scored(1, 2), challenger=scored(3, 4))
    two = evidence(
        [B, replace(twice, tags=("answer", "lang:en"))],
        champion=scored(5, 6),
        challenger=scored(7, 8),
    )
    assert one.cases_hash == two.cases_hash


@pytest.mark.parametrize(
    "other",
    [{"case": "c"}, {"probe": "leet"}, {"tags": ()}, {"calibration": "ko"}, {"group": "talk"}],
)
def test_the_hash_of_the_cases_knows_every_field(other: dict[str, object]) -> None:
    one = evidence([A], champion=scored(1), challenger=scored(2))
    two = evidence([replace(A, **other)], champion=scored(1), challenger=scored(2))
    assert one.cases_hash != two.cases_hash


def test_rows_can_be_left_out_by_a_tag() -> None:
    item = replace(B, tags=("suite",))
    found = evidence([A, item], champion=scored(1, 2), challenger=scored(3, 4)).without("suite")
    assert found.rows == (A,)
    assert list(found.challenger.scores) == [3]


def test_a_threshold_falls_back_to_the_pooled_one() -> None:
    model = Scored(version="v1", scores=np.array([]), thresholds={"ko": 0.4, "*": 0.5})
    assert model.threshold("ko") == 0.4
    assert model.threshold("ja") == 0.5


def test_a_stored_report_gives_the_same_verdict(exam: Exam, judge: Judge) -> None:
    found = exam(noise=0.2, gain=0.2)
    again = from_json(json.loads(json.dumps(found.json())))
    assert json.dumps(judge(again).json()) == json.dumps(judge(found).json())


def test_a_tampered_score_changes_the_verdict(exam: Exam, judge: Judge) -> None:
    found = exam(noise=0.2, gain=0.2)
    report = json.loads(json.dumps(found.json()))
    index = next(i for i, row in enumerate(found.rows) if "attacked" in row.tags)
    report["challenger"]["scores"][index] = (
        -9.0 if found.challenger.scores[index] > found.challenger.thresholds["en"] else 9.0
    )
    assert judge(from_json(report)).json() != judge(found).json()


def test_a_score_that_is_no_number_survives_the_file() -> None:
    found = evidence([A], champion=scored(1), challenger=scored(float("nan")))
    again = from_json(json.loads(json.dumps(found.json(), allow_nan=False)))
    assert np.isnan(again.challenger.scores).all()
