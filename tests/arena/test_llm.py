"""LLM attacks: prompts, what is kept of the answers, and what is remembered."""

from collections.abc import Sequence
from random import Random

import pytest

from sutdol.arena.attack import ATTACKS
from sutdol.arena.disguise import disguise
from sutdol.arena.llm import TASKS, Writer
from sutdol.core.errors import NotReady, UnknownName
from sutdol.models.fake import Asked, FakeServer
from sutdol.models.llm import Conversation, Llm

ENGLISH, KOREAN = "what a dull old whetstone", "정말 무딘 숫돌이네"
every_llm_attack = pytest.mark.parametrize("name", TASKS)


class Model:
    """Answers by a function of the message; remembers what it was asked."""

    def __init__(self, *answers: str) -> None:
        self.asked: list[tuple[str, str]] = []  # (instruction, message)
        self.seeds: list[int] = []
        self._answers = answers

    def __call__(self, conversations: Sequence[Conversation], *, seed: int) -> list[str]:
        self.seeds.append(seed)
        self.asked += [(task.content, message.content) for task, message in conversations]
        if self._answers:
            return [self._answers[i % len(self._answers)] for i in range(len(conversations))]
        return [f"{message.content} indeed" for _, message in conversations]


def written(*answers: str, texts: Sequence[str] = (ENGLISH,)) -> tuple[list[str | None], Writer]:
    writer = Writer(Model(*answers), model="m")
    return writer.generate("llm_paraphrase", texts, seed=1), writer


def test_the_three_are_listed_without_a_model() -> None:
    listed = {one.name: one for one in ATTACKS.values() if one.group == "llm_generated"}
    assert set(listed) == set(TASKS)
    for one in listed.values():
        assert (one.family, one.scope, one.languages) == ("llm", "message", ("en", "ko"))
        assert one.readable
        assert one.doc.startswith("A language model")
        assert len(one.doc) <= 90


@every_llm_attack
def test_without_a_model_it_says_what_to_set(name: str) -> None:
    with pytest.raises(NotReady, match=r"set OPENAI_BASE_URL.*11434/v1 for Ollama"):
        disguise(ATTACKS[name], ENGLISH, Random(0))


@every_llm_attack
@pytest.mark.parametrize(("text", "asked_in"), [(ENGLISH, "rewritten"), (KOREAN, "고쳐")])
def test_the_model_is_asked_in_the_language_of_the_message(
    name: str, text: str, asked_in: str
) -> None:
    model = Model()
    Writer(model, model="m").generate(name, [text], seed=1)
    assert model.asked[0][1] == text
    assert all(asked_in in task for task, _ in model.asked)
    assert all("{" not in task for task, _ in model.asked)


def test_a_round_trip_translates_the_translation_back() -> None:
    model = Model()
    (there_and_back,) = Writer(model, model="m").generate("llm_roundtrip", [KOREAN], seed=1)
    assert [message for _, message in model.asked] == [KOREAN, f"{KOREAN} indeed"]
    assert "영어로" in model.asked[0][0]
    assert "한국어로" in model.asked[1][0]
    assert there_and_back == f"{KOREAN} indeed indeed"


def test_many_texts_are_asked_for_together() -> None:
    model = Model()
    answers = Writer(model, model="m").generate("llm_paraphrase", [ENGLISH, KOREAN], seed=9)
    assert answers == [f"{ENGLISH} indeed", f"{KOREAN} indeed"]
    assert model.seeds == [9]


def test_the_same_is_asked_once_by_prompt_and_seed() -> None:
    model = Model()
    writer = Writer(model, model="m")
    first = writer.generate("llm_paraphrase", [ENGLISH, ENGLISH], seed=1)
    assert writer.generate("llm_paraphrase", [ENGLISH], seed=1) == first[:1]
    assert len(model.asked) == 1
    writer.generate("llm_paraphrase", [ENGLISH], seed=2)
    writer.generate("llm_euphemism", [ENGLISH], seed=2)
    assert len(model.asked) == 3


@pytest.mark.parametrize(
    ("answer", "flaw"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("<think>well, I could", "empty"),
        ('""', "empty"),
        ("I'm sorry, but I can't help with that.", "refused"),
        ("Sorry, I cannot rewrite this message.", "refused"),
        ("I can’t assist with rewriting insults.", "refused"),
        ("As an AI, I do not insult whetstones.", "refused"),
        ("죄송합니다. 도와드릴 수 없습니다.", "refused"),
        ("해당 요청은 수행할 수 없습니다.", "refused"),
        ("dull " * 100, "too long"),
        (f"  {ENGLISH}\n", "unchanged"),
    ],
)
def test_an_answer_of_no_use_is_dropped_and_counted(answer: str, flaw: str) -> None:
    answers, writer = written(answer)
    assert answers == [None]
    assert writer.dropped == {flaw: 1}


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ("that stone has seen better days\n", "that stone has seen better days"),
        ('"so blunt!"', "so blunt!"),
        ("“so blunt!”", "so blunt!"),
        ("<think>\nhm\n</think>\n\nso blunt", "so blunt"),
        ("I can't believe how blunt it is", "I can't believe how blunt it is"),
        ("sorry, but it is blunt", "sorry, but it is blunt"),
        ("죄송하지만 숫돌이 무디네요", "죄송하지만 숫돌이 무디네요"),
    ],
)
def test_an_answer_is_kept_bare(answer: str, kept: str) -> None:
    answers, writer = written(answer)
    assert answers == [kept]
    assert not writer.dropped


def test_what_sounds_like_a_refusal_may_be_the_message() -> None:
    answers, _ = written("I cannot help it", texts=["sorry, I can't help it"])
    assert answers == ["I cannot help it"]


def test_dropped_answers_leave_the_others_in_place() -> None:
    answers, writer = written("fine", "", "good", texts=["a a", "b b", "c c"])
    assert answers == ["fine", None, "good"]
    assert writer.dropped.total() == 1


def test_a_round_trip_ends_where_an_answer_is_dropped() -> None:
    model = Model("", "somewhere")
    writer = Writer(model, model="m")
    assert writer.generate("llm_roundtrip", ["a a", "b b"], seed=1)[0] is None
    assert len(model.asked) == 3


def test_a_blank_message_is_not_asked_for() -> None:
    model = Model()
    assert Writer(model, model="m").generate("llm_paraphrase", ["", " \n"], seed=1) == [None, None]
    assert model.asked == []


def test_an_unknown_attack_is_named() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'llm_paraphrase'"):
        Writer(Model(), model="m").generate("llm_parafrase", [ENGLISH], seed=1)


def test_with_a_model_they_are_attacks_like_others() -> None:
    writer = Writer(Model(), model="m")
    for one in writer.attacks():
        assert one.doc == ATTACKS[one.name].doc
        attacked = disguise(one, ENGLISH, Random(7))
        assert attacked != ENGLISH
        assert disguise(one, ENGLISH, Random(7)) == attacked


def test_an_attack_whose_answer_is_dropped_changes_nothing() -> None:
    (paraphrase, *_) = Writer(Model("I cannot assist with that."), model="m").attacks()
    assert disguise(paraphrase, ENGLISH, Random(7)) == ENGLISH


def test_a_real_server_is_asked_over_http() -> None:
    def reply(asked: Asked) -> str:
        return "I'm sorry, I can't." if "숫돌" in asked.last else f"so to speak, {asked.last}"

    with FakeServer(reply) as server:
        llm = Llm(base_url=server.url, model="m")
        writer = Writer(llm.complete_many, model="m")
        answers = writer.generate("llm_euphemism", [ENGLISH, KOREAN], seed=4)
    assert answers == [f"so to speak, {ENGLISH}", None]
    assert writer.dropped == {"refused": 1}
    assert {asked.body["seed"] for asked in server.requests} == {4}
