"""Files: sent as a form, kept for their user alone, and never shown by a browser."""

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.api.conftest import Home, Serve
from tests.api.site import Answer, Site, until
from tests.api.test_forms import FORM, PURPOSE, form, part

from sutdol.api.forms import ANCHOR, SECONDS
from sutdol.app import Sutdol
from sutdol.storage.server_tables import upload

FILES = "/v1/files"


def send(
    site: Site, content: bytes = b"hello", name: str = "a.txt", *fields: bytes, **how: Any
) -> Answer:
    body = form(part("file", content, name), PURPOSE, *fields)
    return site.post(FILES, body, headers=FORM, **how)


def left(home: Home) -> list[Path]:
    """All that lies among the uploads."""
    return [path for path in (home.folder / "uploads").rglob("*") if path.is_file()]


def ids(answer: Answer) -> list[str]:
    return [one["id"] for one in answer.json["data"]]


def test_a_file_is_kept_read_and_deleted(site: Site, home: Home) -> None:
    content = bytes(range(256)) * 12_000 + b"\r\n--a-line-not\r\n"
    answer = send(site, content, "한글.txt")

    assert answer.status == 200
    made = answer.json
    assert made["created_at"] == pytest.approx(time.time(), abs=60)
    assert {key: made[key] for key in made if key not in ("id", "created_at")} == {
        "object": "file",
        "bytes": len(content),
        "filename": "한글.txt",
        "purpose": "assistants",
        "status": "processed",
        "expires_at": None,
    }
    where = f"{FILES}/{made['id']}"
    assert site.get(where).json == made
    read = site.get(f"{where}/content")
    assert read.body == content
    assert read.headers["content-type"] == "application/octet-stream"
    assert read.headers["content-security-policy"] == "sandbox"
    assert read.headers["content-disposition"] == (
        "attachment; filename*=utf-8''%ED%95%9C%EA%B8%80.txt"
    )
    assert read.headers["x-content-type-options"] == "nosniff"
    assert site.delete(where).json == {"id": made["id"], "object": "file", "deleted": True}
    assert site.get(where).status == site.get(f"{where}/content").status == 404
    assert site.delete(where).status == 404
    assert not left(home)


def test_an_empty_file_is_a_file(site: Site) -> None:
    made = send(site, b"").json

    assert made["bytes"] == 0
    assert site.get(f"{FILES}/{made['id']}/content").body == b""


def test_lists_go_page_by_page_in_both_directions(site: Site) -> None:
    sent = [send(site, b"%d" % number).json["id"] for number in range(5)]
    other = site.post(
        FILES, form(part("purpose", b"batch"), part("file", b"x", "b")), headers=FORM
    ).json["id"]

    assert ids(site.get(FILES)) == [other, *reversed(sent)]
    assert ids(site.get(f"{FILES}?purpose=batch")) == [other]
    first = site.get(f"{FILES}?purpose=assistants&limit=2")
    assert ids(first) == [sent[4], sent[3]]
    assert first.json["has_more"]
    assert (first.json["first_id"], first.json["last_id"]) == (sent[4], sent[3])
    last = site.get(f"{FILES}?purpose=assistants&limit=3&after={sent[3]}")
    assert ids(last) == [sent[2], sent[1], sent[0]]
    assert not last.json["has_more"]

    upwards = site.get(f"{FILES}?order=asc&limit=2&after={sent[0]}")
    assert ids(upwards) == [sent[1], sent[2]]
    assert upwards.json["has_more"]
    assert ids(site.get(f"{FILES}?order=asc&after={sent[4]}")) == [other]
    assert ids(site.get(f"{FILES}?order=asc&limit=1")) == [sent[0]]
    assert site.get(f"{FILES}?after=file-nothing").status == 404
    assert site.get(f"{FILES}?order=up").status == 422
    assert site.get(f"{FILES}?limit=0").status == 422


def test_an_empty_list_has_no_ends(site: Site) -> None:
    assert site.get(FILES).json == {
        "object": "list",
        "data": [],
        "first_id": None,
        "last_id": None,
        "has_more": False,
    }


def test_files_of_others_are_not_there(locked: Site, new_key: Callable[..., str]) -> None:
    kim, lee = new_key("kim"), new_key("lee")
    made = send(locked, key=kim).json["id"]

    for path in ("", "/content"):
        assert locked.get(f"{FILES}/{made}{path}", key=kim).status == 200
        assert locked.get(f"{FILES}/{made}{path}", key=lee).status == 404
        assert locked.get(f"{FILES}/{made}{path}").status == 404  # nor an admin's business
    assert locked.get(FILES, key=lee).json["data"] == []
    assert locked.get(f"{FILES}?after={made}", key=lee).status == 404
    assert locked.delete(f"{FILES}/{made}", key=lee).status == 404
    assert locked.get(FILES, key="").status == send(locked, key="").status == 401


def test_the_same_content_of_two_users_is_deleted_with_the_last(
    locked: Site, new_key: Callable[..., str], home: Home
) -> None:
    kim, lee = new_key("kim"), new_key("lee")
    first, second = send(locked, key=kim).json["id"], send(locked, key=lee).json["id"]
    locked.delete(f"{FILES}/{first}", key=kim)

    assert locked.get(f"{FILES}/{second}/content", key=lee).body == b"hello"
    locked.delete(f"{FILES}/{second}", key=lee)
    assert not left(home)


NAMES = {
    "../../etc/passwd": "passwd",
    "C:\\\\boot.ini": "boot.ini",
    "a\0b.txt": "a\ufffdb.txt",
    "exe.\u202etxt": "exe.txt",
    "": "file",
    "..": "file",
    "가" * 10_000 + ".txt": "가" * 251 + ".txt",
    'a\\"b;c': 'a"b;c',
    "a%0D%0Ax: y": "a%0D%0Ax: y",
}


def test_names_are_shown_and_name_nothing_here(site: Site, home: Home) -> None:
    for sent, kept in NAMES.items():
        answer = send(site, name=sent)
        assert (answer.status, answer.json["filename"]) == (200, kept)
        content = site.get(f"{FILES}/{answer.json['id']}/content")
        assert content.body == b"hello"
        assert content.headers["content-disposition"].isascii()
        assert "x" not in content.headers
    assert len(left(home)) == 1


def test_a_form_that_is_none_leaves_nothing(site: Site, home: Home) -> None:
    whole = form(part("file", b"a" * 2_000_000, "a"), PURPOSE)
    for body in (whole[:-8], form(PURPOSE), form(part("file", b"a", "a")), b"hello", b""):
        assert site.post(FILES, body, headers=FORM).status == 400
    two = form(part("file", b"a" * 2_000_000, "a"), part("file", b"b", "b"), PURPOSE)
    answer = site.post(FILES, two, headers=FORM)
    assert (answer.status, answer.error["param"]) == (400, "file")
    assert site.post(FILES, whole, headers={"content-type": "text/plain"}).status == 400
    assert not left(home)
    assert site.post(FILES, whole, headers=FORM).status == 200


def test_a_file_may_expire(site: Site) -> None:
    fields = part(ANCHOR, b"created_at"), part(SECONDS, b"3600")
    made = send(site, b"x", "a", *fields).json
    assert made["expires_at"] - made["created_at"] == 3_600
    assert send(site, b"x", "a", part(SECONDS, b"3599")).error["param"] == "expires_after"


def test_a_file_that_has_expired_is_not_there(site: Site) -> None:
    stays, goes = send(site, b"1").json["id"], send(site, b"2").json["id"]
    with Sutdol.open(site.settings) as sutdol, sutdol.db.write() as tx:
        goes_now = upload.update().where(upload.c.id == goes)
        tx.execute(goes_now.values(expires_at=upload.c.created_at))
    assert ids(site.get(FILES)) == ids(site.get(f"{FILES}?order=asc")) == [stays]
    assert site.get(f"{FILES}/{goes}").status == 404
    assert site.get(f"{FILES}/{goes}/content").status == 404


def test_content_that_is_gone_from_the_disk_is_told(site: Site, home: Home) -> None:
    made = send(site).json["id"]
    (content,) = left(home)
    content.unlink()

    answer = site.get(f"{FILES}/{made}/content")

    assert answer.status == 500
    assert "restore a backup" in answer.error["message"]


def test_a_file_of_exactly_the_limit_is_taken(serve: Serve, home: Home) -> None:
    site = serve(server={"upload": 5_000})

    assert send(site, b"x" * 5_000).status == 200
    answer = send(site, b"x" * 5_001)
    assert (answer.status, answer.error["code"]) == (413, "too_large")
    assert len(left(home)) == 1


def test_a_user_may_keep_only_so_much(serve: Serve) -> None:
    site = serve(server={"uploads": 5_000})
    kept = send(site, b"x" * 3_000).json["id"]
    answer = send(site, b"y" * 3_000)

    assert (answer.status, answer.error["code"]) == (429, "rate_limit_exceeded")
    site.delete(f"{FILES}/{kept}")
    assert send(site, b"y" * 3_000).status == 200


def test_a_body_that_is_far_too_long_is_not_even_read(serve: Serve, home: Home) -> None:
    site = serve(server={"upload": 10_000_000})
    head = (
        f"POST {FILES} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {FORM['content-type']}\r\n"
        "Content-Length: 100000000\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", site.port), 10) as client:
        client.sendall(head.encode() + part("file", b"x" * 1_000, "a"))
        assert client.recv(12) == b"HTTP/1.1 413"
    assert not left(home)


def test_a_body_that_does_not_say_how_long_it_is_ends_at_the_limit(
    serve: Serve, home: Home
) -> None:
    site = serve(server={"upload": 2_000_000})
    head = (
        f"POST {FILES} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {FORM['content-type']}\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", site.port), 10) as client:
        client.sendall(head.encode())
        for piece in [part("file", b"", "a")[:-2], *[b"x" * 100_000] * 25]:
            client.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
        assert client.recv(12) == b"HTTP/1.1 413"
    assert not left(home)


def test_a_client_that_goes_away_leaves_nothing(site: Site, home: Home) -> None:
    head = (
        f"POST {FILES} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {FORM['content-type']}\r\n"
        "Content-Length: 5000000\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", site.port), 10) as client:
        client.sendall(head.encode() + part("file", b"x" * 3_000_000, "a"))
        until(lambda: bool(left(home)))
    until(lambda: not left(home))
    assert site.get(FILES).json["data"] == []
    counted = 'sutdol_http_requests_total{method="POST",route="/v1/files",status="499"}'
    until(lambda: counted in site.get("/metrics").body.decode())  # nor was it an error of ours
