"""Moderations as OpenAI's clients ask for them, and what is kept of them."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from unicodedata import normalize

import pytest
from tests.api.conftest import Serve
from tests.api.site import Answer, Site
from tests.databases import on_sqlite

from sutdol.app import Sutdol
from sutdol.roles.bootstrap import bootstrap
from sutdol.roles.categories import CATEGORIES
from sutdol.storage import decisions, requests, secrets
from sutdol.storage.decisions import Decided
from sutdol.storage.requests import Request

PATH = "/v1/moderations"
HARMLESS = "sharpen the old knife"
KOREAN = "내일 아침에 숫돌 가져와 주세요"
PICTURE = {"type": "image_url", "image_url": {"url": "https://pictures.test/1.png"}}


def ask(site: Site, given: object, **more: object) -> Answer:
    return site.post(PATH, {"input": given, **more})


def text(said: str) -> dict[str, str]:
    return {"type": "text", "text": said}


def recorded(site: Site, rows: int = 1) -> list[tuple[Request, Sequence[Decided]]]:
    """The requests of the database, oldest first, with what was decided, once they are there."""
    deadline = time.monotonic() + 5
    with Sutdol.open(site.settings) as sutdol:
        while True:
            with sutdol.db.read() as tx:
                found = requests.newest(tx)[::-1]
                if len(found) >= rows:
                    return [(one, decisions.of_request(tx, one.id)) for one in found]
            assert time.monotonic() < deadline, "nothing was written"
            time.sleep(0.01)


@on_sqlite
def test_a_text_is_answered_in_the_form_of_openai(site: Site) -> None:
    answer = ask(site, HARMLESS, model="omni-moderation-latest")

    assert answer.status == 200
    assert answer.json["id"].startswith("modr-")
    assert answer.json["model"] == "guard-v1"
    [result] = answer.json["results"]
    assert result["flagged"] is False
    assert result["categories"] == dict.fromkeys(CATEGORIES, False)
    assert list(result["category_scores"]) == list(CATEGORIES)
    assert all(0 <= score < 0.5 for score in result["category_scores"].values())
    assert result["category_applied_input_types"] == {name: ["text"] for name in CATEGORIES}


def test_what_the_guard_flags_is_flagged_with_its_categories(site: Site, offence: str) -> None:
    answer = ask(site, offence)

    with Sutdol.open(site.settings) as sutdol:
        told = sutdol.live().check(offence)
    [result] = answer.json["results"]
    assert result["flagged"] is True
    assert [name for name, yes in result["categories"].items() if yes] == list(told.applies)
    assert result["category_scores"] == pytest.approx(dict(told.categories))
    assert answer.headers["x-sutdol-guard"].startswith("flagged; score=")
    assert answer.headers["x-sutdol-guard"].endswith("; version=guard-v1")


def test_of_a_doubtful_text_those_categories_are_true_that_the_guard_says_apply(site: Site) -> None:
    with Sutdol.open(site.settings) as sutdol:
        found = ((one.text, sutdol.live().check(one.text)) for one in bootstrap() if one.category)
        doubtful, told = next(
            (said, one)
            for said, one in found
            if one.flagged and any(one.categories[name] < 0.5 for name in one.applies)
        )

    [result] = ask(site, doubtful).json["results"]

    assert {name for name, yes in result["categories"].items() if yes} == set(told.applies)


@on_sqlite
def test_a_list_of_texts_gets_one_result_each_in_order(site: Site, offence: str) -> None:
    answer = ask(site, [HARMLESS, offence, "", offence])

    flags = [result["flagged"] for result in answer.json["results"]]
    assert flags == [False, True, False, True]
    assert answer.headers["x-sutdol-guard"].startswith("flagged")


@on_sqlite
def test_the_parts_of_a_message_get_one_result_together(site: Site, offence: str) -> None:
    [result] = ask(site, [text(HARMLESS), PICTURE, text(offence)]).json["results"]

    assert result["flagged"] is True
    assert result["decision"].endswith("-0")


def test_a_picture_alone_is_not_looked_at_and_the_answer_says_so(site: Site) -> None:
    answer = ask(site, [PICTURE])

    [result] = answer.json["results"]
    assert result["flagged"] is False
    assert result["category_applied_input_types"] == {name: [] for name in CATEGORIES}
    assert result["decision"] is None
    assert answer.json["model"] == "guard-v1"
    assert answer.headers["x-sutdol-guard"] == "off"
    [(_, decided)] = recorded(site)
    assert not decided


@on_sqlite
def test_korean_in_letters_scores_as_korean_in_syllables(site: Site) -> None:
    answer = ask(site, [KOREAN, normalize("NFD", KOREAN)])

    whole, letters = (result["category_scores"] for result in answer.json["results"])
    assert letters == pytest.approx(whole)


@on_sqlite
def test_a_long_text_is_as_bad_as_its_worst_part(site: Site, offence: str) -> None:
    padding = "our dog likes the snow. " * 2_000
    harmless, hidden = padding * 2, padding + offence + padding
    assert len(hidden) > 90_000

    results = ask(site, [harmless, hidden]).json["results"]

    assert [result["flagged"] for result in results] == [False, True]


@on_sqlite
@pytest.mark.parametrize("given", ["", " \n", "\x00", "👩‍👧 ❤️", "a" * 700])
def test_any_text_is_answered(site: Site, given: str) -> None:
    assert ask(site, given).status == 200


@on_sqlite
@pytest.mark.parametrize("model", ["text-moderation-stable", "guard", "guard-v1", None])
def test_names_that_clients_know_ask_for_the_champion(site: Site, model: str | None) -> None:
    assert ask(site, HARMLESS, model=model).json["model"] == "guard-v1"


def test_another_version_is_not_answered_for(site: Site) -> None:
    answer = ask(site, HARMLESS, model="guard-v7")

    assert answer.status == 404
    assert answer.error["code"] == "model_not_found"
    assert "guard-v1" in answer.error["message"]
    [(request, decided)] = recorded(site)
    assert (request.status, request.error, list(decided)) == (404, "unknown_name", [])


@on_sqlite
@pytest.mark.parametrize(
    "given",
    [None, 1, {}, [1], [HARMLESS, None], [HARMLESS, text(HARMLESS)], [{"type": "text"}],
     [{"type": "audio"}]],
)  # fmt: skip
def test_what_is_no_text_is_refused_in_words(site: Site, given: object) -> None:
    answer = ask(site, given)

    assert answer.status == 400
    assert answer.error["param"] == "input"
    assert answer.error["type"] == "invalid_request_error"
    assert "a list of texts" in answer.error["message"]


@on_sqlite
def test_no_texts_and_too_many_are_refused(site: Site) -> None:
    none, most, more = ask(site, []), ask(site, ["a"] * 1_024), ask(site, ["a"] * 1_025)

    assert (none.status, most.status, more.status) == (400, 200, 400)
    assert none.error["param"] == more.error["param"] == "input"
    assert "1,024" in more.error["message"]


@on_sqlite
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"hi"', b"\xff", b'{"input":"\\ud800"}'])
def test_a_body_that_is_no_question_is_refused(site: Site, body: bytes) -> None:
    assert site.post(PATH, body).status == 400


@on_sqlite
def test_a_body_that_is_too_long_is_refused(serve: Serve) -> None:
    site = serve(server={"body": 10_000})

    assert ask(site, "a" * 9_000).status == 200
    assert ask(site, "a" * 10_000).status == 413


def test_the_request_and_what_was_decided_are_on_record_without_the_texts(
    locked: Site, offence: str
) -> None:
    results = ask(locked, [HARMLESS, offence]).json["results"]

    [(request, decided)] = recorded(locked)
    assert (request.route, request.model, request.status) == ("moderations", "guard-v1", 200)
    assert request.user is not None
    assert request.key is not None
    assert request.prompt_tokens is None
    assert [one.id for one in decided] == [result["decision"] for result in results]
    assert [one.flagged for one in decided] == [False, True]
    assert {(one.side, one.version, one.blocked) for one in decided} == {
        ("moderation", "guard-v1", False)
    }
    with Sutdol.open(locked.settings) as sutdol:
        pepper = secrets.pepper(sutdol.db, datetime.now(UTC))
    assert decided[1].digest == secrets.digest(pepper, offence)


def test_of_many_texts_the_first_32_decisions_are_kept_and_named(site: Site) -> None:
    results = ask(site, [f"knife {number}" for number in range(40)]).json["results"]

    [(_, decided)] = recorded(site)
    named = [result["decision"] for result in results]
    assert sorted(one.id for one in decided) == sorted(named[:32])
    assert named[32:] == [None] * 8


def test_a_key_without_the_scope_is_refused(locked: Site, new_key: Callable[..., str]) -> None:
    chat, moderate = new_key(scopes=("chat",)), new_key("lee", scopes=("moderate",))

    assert locked.post(PATH, {"input": HARMLESS}, key=chat).status == 403
    assert locked.post(PATH, {"input": HARMLESS}, key=moderate).status == 200
    assert locked.post(PATH, {"input": HARMLESS}, key="nobody's").status == 401


def test_a_key_has_its_requests_a_minute(locked: Site, new_key: Callable[..., str]) -> None:
    key = new_key(rpm=2)

    answers = [locked.post(PATH, {"input": HARMLESS}, key=key) for _ in range(3)]

    assert [one.status for one in answers] == [200, 200, 429]
    assert answers[0].headers["x-ratelimit-limit-requests"] == "2"
    assert "retry-after" in answers[2].headers
