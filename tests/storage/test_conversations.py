"""Conversations: each user's own, found in any spelling, and erased for good."""

import json
from datetime import datetime, timedelta
from unicodedata import normalize

import pytest
from sqlalchemy import func, select

from sutdol.core.errors import UnknownName
from sutdol.storage import conversations, transcript
from sutdol.storage.conversations import Conversation, NewMessage, title_of
from sutdol.storage.database import Database
from sutdol.storage.server_tables import message
from sutdol.storage.writer import Writer

SECOND = timedelta(seconds=1)


def begin(db: Database, said: str, now: datetime, *, user: str = "kim") -> Conversation:
    """A conversation with one question and one answer, written as a server does."""
    made = conversations.new(user, now=now, said=said)
    both = NewMessage(role="user", content=said), NewMessage(role="assistant", content="네.")
    writer = Writer(db)
    writer.write_through(
        [conversations.new_row(made), *conversations.message_rows(made.id, both, now)]
    )
    writer.close()
    return made


def say(db: Database, id_: str, now: datetime, *content: str) -> None:
    said = [NewMessage(role="user", content=one) for one in content]
    writer = Writer(db)
    writer.write_through(conversations.message_rows(id_, said, now))
    writer.close()


def titles(db: Database, query: str, *, user: str = "kim") -> list[str]:
    with db.read() as tx:
        return [one.title for one in conversations.find(tx, user, query=query)]


def kept(db: Database) -> int:
    with db.read() as tx:
        return tx.scalar(select(func.count()).select_from(message)) or 0


def test_messages_come_back_in_the_order_they_were_said(db: Database, now: datetime) -> None:
    made = begin(db, "하나", now)
    say(db, made.id, now + SECOND, *map(str, range(11)))
    with db.read() as tx:
        said = conversations.messages(tx, made.id, "kim")
        assert [one.content for one in said] == ["하나", "네.", *map(str, range(11))]
        assert [one.role for one in said[:2]] == ["user", "assistant"]
        last = conversations.messages(tx, made.id, "kim", limit=2)
        assert [one.content for one in last] == ["9", "10"]
        found = conversations.get(tx, made.id, "kim")
        assert (found.messages, found.updated_at, found.created_at) == (13, now + SECOND, now)


def test_a_message_keeps_all_that_it_holds(db: Database, now: datetime) -> None:
    made = begin(db, "x", now)
    call = NewMessage(
        role="assistant",
        content="",
        body={"tool_calls": [{"name": "find", "arguments": "{}"}]},
        request="r1",
        model="qwen",
    )
    writer = Writer(db)
    writer.write_through(conversations.message_rows(made.id, [call], now + SECOND))
    writer.close()
    with db.read() as tx:
        found = conversations.messages(tx, made.id, "kim")[-1]
    assert (found.id, found.body, found.request, found.model) == (call.id, call.body, "r1", "qwen")


def test_what_arrives_late_does_not_turn_time_back(db: Database, now: datetime) -> None:
    made = begin(db, "x", now)
    say(db, made.id, now - SECOND, "late")
    with db.read() as tx:
        assert conversations.get(tx, made.id, "kim").updated_at == now


def test_nul_and_lone_surrogates_are_kept_as_replacements(db: Database, now: datetime) -> None:
    made = begin(db, "a\x00b\ud800", now)
    with db.read() as tx:
        assert conversations.messages(tx, made.id, "kim")[0].content == "a\ufffdb\ufffd"
    assert titles(db, "a\x00B") == ["a\ufffdb\ufffd"]


def test_another_users_conversation_is_as_unknown_as_none(db: Database, now: datetime) -> None:
    made = begin(db, "secret", now)
    refusals = []
    for id_, user in ((made.id, "lee"), ("conv_none\x00", "kim")):
        for ask in (
            lambda tx, *who: conversations.get(tx, *who),
            lambda tx, *who: conversations.messages(tx, *who),
            lambda tx, *who: conversations.rename(tx, *who, "mine"),
            lambda tx, *who: conversations.describe(tx, *who, {}),
            lambda tx, *who: conversations.delete_one(tx, *who),
            lambda tx, *who: transcript.export(tx, *who, "json"),
        ):
            with db.write() as tx, pytest.raises(UnknownName) as refused:
                ask(tx, id_, user)
            refusals.append(str(refused.value).replace(id_, "ID"))
    assert set(refusals) == {"No conversation named 'ID'. Known: none."}
    assert titles(db, "", user="lee") == titles(db, "secret", user="lee") == []
    assert titles(db, "secret") == ["secret"]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("query", ["김치찌개", "STRASSE", "éCOLE", "  김치찌개 straße "])
def test_a_search_ignores_case_and_unicode_form(
    db: Database, now: datetime, form: str, query: str
) -> None:
    text = normalize(form, "오늘의 김치찌개 Straße École")
    begin(db, text, now)
    hidden = begin(db, "다른 이야기", now + SECOND)
    say(db, hidden.id, now + SECOND, text)
    expected = ["다른 이야기", normalize("NFC", text)]
    for spelled in (normalize("NFC", query), normalize("NFD", query)):
        assert titles(db, spelled) == expected


def test_a_title_that_was_given_is_found_as_well(db: Database, now: datetime) -> None:
    made = begin(db, "hello", now)
    with db.write() as tx:
        renamed = conversations.rename(tx, made.id, "kim", normalize("NFD", "École 여행\u202e\n둘"))
        assert renamed == conversations.get(tx, made.id, "kim")
    assert titles(db, "éCOLE 여") == ["École 여행"]
    assert titles(db, "HELLO") == ["École 여행"]


def test_signs_of_the_pattern_language_are_plain_letters(db: Database, now: datetime) -> None:
    begin(db, "100%_/sure\\", now)
    begin(db, "100 x sure", now)
    for query in ("100%", "%_/", "sure\\", "_/S"):
        assert titles(db, query) == ["100%_/sure\\"]
    assert titles(db, "%%") == titles(db, "'; drop table message") == []
    assert titles(db, "1" * 100_000) == []


@pytest.mark.parametrize("query", ["", "talk"])
def test_pages_show_every_conversation_once_newest_first(
    db: Database, now: datetime, query: str
) -> None:
    made = [begin(db, f"Talk {n}", now + n // 3 * SECOND) for n in range(8)]
    begin(db, "talk of another", now, user="lee")
    found: list[Conversation] = []
    before = None
    with db.read() as tx:
        while page := conversations.find(tx, "kim", query=query, limit=3, before=before):
            found += page
            before = page[-1].cursor
    expected = sorted(made, key=lambda one: (one.updated_at, one.id), reverse=True)
    assert [one.id for one in found] == [one.id for one in expected]
    assert {one.messages for one in found} == {2}


def test_a_user_describes_his_conversation(db: Database, now: datetime) -> None:
    made = conversations.new("kim", now=now, said="이름", meta={"topic": "여행"})
    writer = Writer(db)
    writer.write_through([conversations.new_row(made)])
    writer.close()
    with db.write() as tx:
        assert conversations.get(tx, made.id, "kim") == made
        conversations.describe(tx, made.id, "kim", {"n": "1\x00"})
        found = conversations.get(tx, made.id, "kim")
    assert (found.title, found.meta, found.messages) == ("이름", {"n": "1\ufffd"}, 0)


def test_what_is_deleted_is_gone_with_its_messages(db: Database, now: datetime) -> None:
    made, other = begin(db, "one", now), begin(db, "two", now)
    with db.write() as tx:
        conversations.delete_one(tx, made.id, "kim")
    assert titles(db, "") == ["two"]
    assert kept(db) == 2
    with db.read() as tx:
        assert len(conversations.messages(tx, other.id, "kim")) == 2


def test_a_late_answer_brings_nothing_back(db: Database, now: datetime) -> None:
    made = begin(db, "one", now)
    with db.write() as tx:
        conversations.delete_one(tx, made.id, "kim")
    say(db, made.id, now + SECOND, "an answer that took its time")
    assert kept(db) == 0


def test_all_of_a_user_can_be_erased(db: Database, now: datetime) -> None:
    for user in ("kim", "kim", "lee"):
        begin(db, "x", now, user=user)
    with db.write() as tx:
        assert conversations.delete_all(tx, "kim") == 2
    assert titles(db, "") == []
    assert titles(db, "", user="lee") == ["x"]
    assert kept(db) == 2


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", ""),
        (" \n\t\n", ""),
        ("\n  Hello   there \nsecond line", "Hello there"),
        (normalize("NFD", "가" * 200), "가" * 80),
        ("a" * 79 + "x\u0323\u0301 and more", "a" * 79),
        ("\u202e\u200b", ""),
    ],
)
def test_a_title_is_the_first_line_that_says_something(said: str, expected: str) -> None:
    assert title_of(said) == expected


def test_a_conversation_can_be_taken_away(db: Database, now: datetime) -> None:
    made = begin(db, "줄 하나\n줄 둘", now)
    with db.read() as tx:
        whole = json.loads(transcript.export(tx, made.id, "kim", "json"))
        lines = transcript.export(tx, made.id, "kim", "jsonl").splitlines()
        shown = transcript.export(tx, made.id, "kim", "markdown")
    assert (whole["id"], whole["title"]) == (made.id, "줄 하나")
    assert [one["content"] for one in whole["messages"]] == ["줄 하나\n줄 둘", "네."]
    assert [json.loads(line) for line in lines] == whole["messages"]
    assert shown == (
        "# 줄 하나\n\n## user, 2026-01-02 03:04 UTC\n\n줄 하나\n줄 둘\n\n"
        "## assistant, 2026-01-02 03:04 UTC\n\n네.\n"
    )
