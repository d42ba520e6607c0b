"""An answer is judged with the question that it answers, whatever was said around it."""

from datetime import datetime, timedelta

import pytest

from sutdol.core.errors import UnknownName
from sutdol.storage import answers, conversations
from sutdol.storage.conversations import NewMessage
from sutdol.storage.database import Database
from sutdol.storage.writer import Writer

MINUTE = timedelta(minutes=1)


def said(db: Database, now: datetime, *turns: list[NewMessage]) -> None:
    """A conversation of kim's with a minute between the turns."""
    made = conversations.new("kim", now=now)
    writer = Writer(db)
    writer.write_through([conversations.new_row(made)])
    for n, turn in enumerate(turns):
        writer.write_through(conversations.message_rows(made.id, turn, now + n * MINUTE))
    writer.close()


def asked(content: str, request: str | None = None) -> NewMessage:
    return NewMessage(role="user", content=content, request=request)


def answered(id_: str, request: str | None = None) -> NewMessage:
    return NewMessage(
        id=id_, role="assistant", content=f"{id_}!", request=request, model="m" if request else None
    )


def question(db: Database, id_: str) -> str | None:
    with db.read() as tx:
        return answers.exchange(tx, id_, "kim").question


def test_the_question_is_the_one_of_the_same_request(db: Database, now: datetime) -> None:
    system = NewMessage(role="system", content="be brief")
    said(
        db,
        now,
        [system, asked("one", "r1"), answered(answers.id_of("r1"), "r1")],
        [asked("two", "r2")],
        [answered("late", "r1"), asked("three", "r3"), answered("a3", "r3")],
    )

    assert question(db, "msg_r1") == question(db, "late") == "one"
    assert question(db, "a3") == "three"
    with db.read() as tx:
        assert answers.exchange(tx, "a3", "kim").answer == "a3!"
        assert answers.exchange(tx, "a3", "kim").model == "m"


def test_of_a_conversation_from_elsewhere_it_is_what_was_said_last_before(
    db: Database, now: datetime
) -> None:
    said(db, now, [answered("a0"), asked("one"), answered("a1"), asked("two"), answered("a2")])

    assert [question(db, f"a{n}") for n in range(3)] == [None, "one", "two"]


def test_another_users_answer_is_unknown(db: Database, now: datetime) -> None:
    said(db, now, [asked("one"), answered("a1")])
    with db.read() as tx:
        for id_, user in (("a1", "lee"), ("none", "kim")):
            with pytest.raises(UnknownName, match="message"):
                answers.exchange(tx, id_, user)
