"""What an attacker learns from the guard, and what it costs."""

from sutdol.arena.oracle import PATIENCE, Answer, Asking, Oracle
from sutdol.arena.space import Candidate, made_of


def word(number: int) -> Candidate:
    return made_of({number: ("shout",)})


def shown(candidate: Candidate) -> str:
    return " ".join(str(number) for number, _ in candidate.words)


def told(asking: Asking[object], answers: dict[str, Answer]) -> list[list[str]]:
    """What is asked, when these are the answers and all else is caught."""
    asked: list[list[str]] = []
    texts = next(asking, None)
    while texts is not None:
        asked.append(texts)
        try:
            texts = asking.send([answers.get(text, (1.0, True)) for text in texts])
        except StopIteration:
            texts = None
    return asked


def test_a_batch_is_cut_to_what_is_left() -> None:
    asked = Oracle(shown, budget=2)
    candidates = [word(0), word(1), word(2)]
    assert told(asked.ask(candidates), {}) == [["0", "1"]]
    assert (asked.queries, asked.left, asked.done) == (2, 0, True)


def test_a_repeated_text_costs_nothing() -> None:
    asked = Oracle(shown, budget=80)
    assert len(told(asked.ask([word(0), word(0)]), {})) == 1
    assert told(asked.ask([word(0)]), {}) == []
    assert asked.queries == 1


def test_keeps_the_lowest_score() -> None:
    asked = Oracle(shown, budget=80)
    answers = {shown(word(1)): (0.6, True)}
    told(asked.ask([word(0), word(1), word(2)]), answers)
    told(asked.ask([word(3)]), {})
    assert (asked.best.candidate, asked.best.score) == (word(1), 0.6)
    assert not asked.done


def test_a_text_that_gets_through_beats_a_lower_score() -> None:
    asked = Oracle(shown, budget=80)
    low, through = word(0), word(1)
    answers = {shown(low): (0.4, True), shown(through): (0.5, False)}
    told(asked.ask([low, through]), answers)
    assert asked.done
    assert asked.trial().evaded
    assert asked.trial().steps == ((1, "shout"),)


def test_a_probe_counts_but_is_no_disguise() -> None:
    asked = Oracle(shown, budget=80)
    told(asked.probe(["fine"]), {"fine": (0.0, False)})
    assert asked.queries == 1
    assert not asked.done
    assert not asked.trial().evaded


def test_a_search_that_runs_dry_is_done() -> None:
    asked = Oracle(shown, budget=80)
    told(asked.ask([Candidate()]), {})
    for _ in range(PATIENCE):
        assert not asked.done
        assert told(asked.ask([Candidate()]), {}) == []
    assert asked.done
