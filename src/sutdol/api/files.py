"""OpenAI's files: sent, listed, read and deleted by the user whose they are."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from sutdol.api.errors import TooLarge, gone
from sutdol.api.forms import FIELDS, Form
from sutdol.api.going import Streaming
from sutdol.api.hall import Hall, caller, hall
from sutdol.core.errors import Corrupted, UnknownName
from sutdol.storage import uploads
from sutdol.storage.effects import Tx
from sutdol.storage.uploads import Receiving, Upload

router = APIRouter(tags=["OpenAI"])

PIECE = 1_000_000  # bytes that are written, or read, at once
PAGE = 200


class File(BaseModel):
    """A file as its user called it."""

    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    filename: str
    purpose: str
    status: Literal["processed"] = "processed"
    expires_at: int | None = None


class Files(BaseModel):
    object: Literal["list"] = "list"
    data: list[File]
    first_id: str | None
    last_id: str | None
    has_more: bool


class Deleted(BaseModel):
    id: str
    object: Literal["file"] = "file"
    deleted: Literal[True] = True


SENT = {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": FIELDS}}}}
BINARY: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The content, to be saved and never shown.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post("/v1/files", response_model=File, openapi_extra=SENT)
async def upload(request: Request) -> File | Response:
    """Keep a file of at most `server.upload` bytes; all of a user have at most `server.uploads`."""
    form = Form(request.headers.get("content-type", ""))
    here, user = hall(request), caller(request).user
    home, limits = here.sutdol.settings.home, here.sutdol.settings.server
    most, in_all = limits.upload, limits.uploads
    with await asyncio.to_thread(Receiving.begin, home, most=most, in_all=in_all) as receiving:
        try:
            await _receive(request, form, receiving, most)
        except ClientDisconnect:
            return gone()
        made = await asyncio.to_thread(_keep, here, receiving, form, user)
    return _file(made)


@router.get("/v1/files")
def files(
    request: Request,
    purpose: Annotated[str | None, Query(max_length=32)] = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 10_000,
    after: Annotated[str | None, Query(max_length=64)] = None,
    order: Literal["asc", "desc"] = "desc",
) -> Files:
    """The caller's own files, newest first unless asked otherwise."""
    here, user = hall(request), caller(request).user
    wanted = _Wanted(user=user, purpose=purpose, now=here.now(), ascending=order == "asc")
    with here.sutdol.db.read() as tx:
        found = list(islice(_walk(tx, wanted, after), limit + 1))
    data = [_file(one) for one in found[:limit]]
    return Files(
        data=data,
        first_id=data[0].id if data else None,
        last_id=data[-1].id if data else None,
        has_more=len(found) > limit,
    )


@router.get("/v1/files/{id}")
def file(request: Request, id: str) -> File:
    """One file, without its content."""
    return _file(_known(request, id))


@router.get("/v1/files/{id}/content", response_class=Response, responses=BINARY)
def content(request: Request, id: str) -> Response:
    """The bytes as they were sent. No browser shows them, whatever they claim to be."""
    found = _known(request, id)
    where = uploads.path(hall(request).sutdol.settings.home, found)
    if not where.is_file() or where.stat().st_size != found.bytes:
        raise Corrupted(f"The content of {found.id} is not there as it was: restore a backup.")
    headers = {
        "content-type": "application/octet-stream",
        "content-length": str(found.bytes),
        "content-disposition": f"attachment; filename*=utf-8''{quote(found.name, safe='')}",
        "content-security-policy": "sandbox",
        "cache-control": "private, no-store",
    }
    return Streaming(_pieces(where), headers)


@router.delete("/v1/files/{id}")
def delete(request: Request, id: str) -> Deleted:
    """Delete a file; its content too, where nobody else sent the same."""
    sutdol = hall(request).sutdol
    with sutdol.db.write() as tx:
        uploads.delete_one(tx, sutdol.settings.home, id, caller(request).user)
    return Deleted(id=id)


async def _receive(request: Request, form: Form, receiving: Receiving, most: int) -> None:
    """Write the file down as it comes, a large piece at a time and beside the event loop."""
    waiting = bytearray()
    async with aclosing(request.stream()) as pieces:
        async for piece in pieces:
            waiting += form.feed(piece)
            if receiving.bytes + len(waiting) > most:
                raise TooLarge(f"The file is larger than {most:,} bytes: send a smaller one.")
            if len(waiting) >= PIECE:
                await asyncio.to_thread(receiving.take, bytes(waiting))
                waiting.clear()
    form.end()
    await asyncio.to_thread(receiving.take, bytes(waiting))


def _keep(here: Hall, receiving: Receiving, form: Form, user: str) -> Upload:
    now, purpose, lasts = here.now(), form.purpose(), form.lasts()
    receiving.finish()
    with here.sutdol.db.write() as tx:
        return receiving.keep(
            tx,
            user=user,
            name=form.file or "",
            purpose=purpose,
            now=now,
            expires_at=now + lasts if lasts else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What a list is to hold, and in which order."""

    user: str
    purpose: str | None
    now: datetime
    ascending: bool

    def page(self, tx: Tx, after: str | None) -> list[Upload]:
        return uploads.all(
            tx,
            self.user,
            purpose=self.purpose,
            limit=PAGE,
            after=after,
            ascending=self.ascending,
        )


def _walk(tx: Tx, wanted: _Wanted, after: str | None) -> Iterator[Upload]:
    """All that have not expired, after this one."""
    while page := wanted.page(tx, after):
        yield from (one for one in page if not _is_over(one, wanted.now))
        after = page[-1].id


def _known(request: Request, id_: str) -> Upload:
    here = hall(request)
    with here.sutdol.db.read() as tx:
        found = uploads.get(tx, id_, caller(request).user)
    if _is_over(found, here.now()):
        raise UnknownName("file", id_, [])
    return found


def _is_over(upload: Upload, now: datetime) -> bool:
    return upload.expires_at is not None and upload.expires_at <= now


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(open, path, "rb") as file_:
        while piece := await asyncio.to_thread(file_.read, PIECE):
            yield piece


def _file(upload: Upload) -> File:
    ends = upload.expires_at
    return File(
        id=upload.id,
        bytes=upload.bytes,
        created_at=int(upload.created_at.timestamp()),
        filename=upload.name,
        purpose=upload.purpose,
        expires_at=int(ends.timestamp()) if ends else None,
    )
