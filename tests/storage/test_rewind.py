"""What is taken back is kept and shown to nobody, until it is brought back or erased."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text

from sutdol.core.errors import Settled, UnknownName
from sutdol.storage import conversations, rewind, transcript
from sutdol.storage.conversations import NewMessage
from sutdol.storage.database import Database
from sutdol.storage.server_tables import message
from sutdol.storage.writer import Writer

SECOND = timedelta(seconds=1)


def begin(db: Database, now: datetime, *said: str, user: str = "kim") -> tuple[str, list[str]]:
    """A conversation and the ids of its messages: a question and an answer each second."""
    made = conversations.new(user, now=now, said=said[0])
    writer = Writer(db)
    writer.write_through([conversations.new_row(made)])
    ids: list[str] = []
    for second, one in enumerate(said):
        ids += say(db, made.id, now + second * SECOND, one, f"{one}!")
    writer.close()
    return made.id, ids


def say(db: Database, id_: str, now: datetime, *content: str) -> list[str]:
    new = [NewMessage(role="user", content=one) for one in content]
    writer = Writer(db)
    writer.write_through(conversations.message_rows(id_, new, now))
    writer.close()
    return [one.id for one in new]


def shown(db: Database, id_: str, **how: Any) -> str:
    with db.read() as tx:
        return " ".join(one.content for one in conversations.messages(tx, id_, "kim", **how))


def taken_back(db: Database, id_: str, name: str, at: datetime) -> int:
    with db.write() as tx:
        return rewind.rewind(tx, id_, "kim", name, at)


def brought_back(db: Database, id_: str, name: str) -> int:
    with db.write() as tx:
        return rewind.restore(tx, id_, "kim", name)


def test_a_message_goes_with_all_after_it_wherever_it_is_read(db: Database, now: datetime) -> None:
    id_, ids = begin(db, now, "one", "two", "three")
    assert taken_back(db, id_, ids[3], now + 9 * SECOND) == 3
    assert shown(db, id_) == "one one! two"
    with db.read() as tx:
        assert conversations.get(tx, id_, "kim").messages == 3
        for query, found in (("two", 1), ("two!", 0), ("three", 0)):
            assert len(conversations.find(tx, "kim", query=query)) == found, query
        for form in ("json", "jsonl", "markdown"):
            assert "three" not in transcript.export(tx, id_, "kim", form)
        assert conversations.message(tx, ids[5], "kim").content == "three!", "feedback names it"


def test_what_was_taken_back_comes_back_while_nothing_was_said_since(
    db: Database, now: datetime
) -> None:
    id_, ids = begin(db, now, "one", "two", "three")
    taken_back(db, id_, ids[4], now + 8 * SECOND)
    taken_back(db, id_, ids[2], now + 9 * SECOND)
    assert brought_back(db, id_, ids[2]) == 2
    assert shown(db, id_) == "one one! two two!"
    assert brought_back(db, id_, ids[2]) == 0, "it is there"
    (new,) = say(db, id_, now + 10 * SECOND, "another")
    with pytest.raises(Settled, match="Something was said since"):
        brought_back(db, id_, ids[4])
    taken_back(db, id_, new, now + 11 * SECOND)
    assert brought_back(db, id_, ids[4]) == 2
    assert shown(db, id_) == "one one! two two! three three!"


def test_only_its_own_user_takes_back_what_is_in_a_conversation(
    db: Database, now: datetime
) -> None:
    id_, ids = begin(db, now, "one")
    other, others = begin(db, now, "two", user="lee")
    mine, also_mine = begin(db, now, "three")
    wrong = [(other, others[0]), (id_, others[0]), (id_, also_mine[0]), ("none", ids[0])]
    for name, said in [*wrong, (id_, "none\x00")]:
        for deed in (taken_back, brought_back):
            with pytest.raises(UnknownName):
                deed(db, name, said, *([now] if deed is taken_back else []))
    taken_back(db, id_, ids[0], now + SECOND)
    with pytest.raises(UnknownName, match="No message"):
        taken_back(db, id_, ids[0], now + 2 * SECOND)
    assert (shown(db, id_), shown(db, mine)) == ("", "three three!")


def test_what_was_taken_back_is_erased_with_its_conversation(db: Database, now: datetime) -> None:
    for erase in (
        lambda tx, id_: conversations.delete_one(tx, id_, "kim"),
        lambda tx, _: conversations.delete_all(tx, "kim"),
    ):
        id_, ids = begin(db, now, "one", "two")
        taken_back(db, id_, ids[1], now + SECOND)
        with db.write() as tx:
            erase(tx, id_)
        with db.read() as tx:
            assert tx.scalar(select(func.count()).select_from(message)) == 0


def test_messages_before_a_message_come_page_by_page(db: Database, now: datetime) -> None:
    id_, ids = begin(db, now, "one", "two", "three")
    taken_back(db, id_, ids[5], now + 9 * SECOND)
    assert shown(db, id_, limit=2) == "two! three"
    assert shown(db, id_, limit=2, before=ids[3]) == "one! two"
    assert shown(db, id_, limit=2, before=ids[1]) == "one"
    assert shown(db, id_, before=ids[0]) == ""
    with pytest.raises(UnknownName, match="No message"):
        shown(db, id_, before="none")


def test_messages_of_one_moment_keep_their_order(db: Database, now: datetime) -> None:
    """Two groups that landed at the same time: what is shown after a message goes with it."""
    id_, _ = begin(db, now, "one")
    say(db, id_, now, "a", "b")
    with db.read() as tx:
        ordered = conversations.messages(tx, id_, "kim")
    for place in range(len(ordered)):
        name = ordered[place].id
        before = [one.content for one in ordered[:place]]
        assert shown(db, id_, before=name).split() == before
        assert taken_back(db, id_, name, now + SECOND) == len(ordered) - place
        assert shown(db, id_).split() == before
        brought_back(db, id_, name)


def test_an_older_release_does_not_show_it_again(db: Database, now: datetime) -> None:
    id_, ids = begin(db, now, "one", "two")
    taken_back(db, id_, ids[2], now + SECOND)
    db.migrate("0004")
    with db.read() as tx:
        assert set(tx.scalars(text("SELECT content FROM message"))) == {"one", "one!"}
    db.migrate()
    assert shown(db, id_) == "one one!"
