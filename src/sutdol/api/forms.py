"""The multipart form that a file is sent in, read as it comes and never held as a whole."""

import re
from datetime import timedelta
from typing import Any, Literal, get_args

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from sutdol.chat.asked import Bad

SMALL = 16_000  # bytes of all fields together
HEADER = 64_000  # bytes of one header: names of files may be long
PARTS = 50
Purpose = Literal["assistants", "batch", "fine-tune", "vision", "user_data", "evals"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
SHORTEST, LONGEST = 3_600, 2_592_000  # seconds until a file expires
ANCHOR, SECONDS = "expires_after[anchor]", "expires_after[seconds]"
FIELDS: dict[str, Any] = {
    "type": "object",
    "required": ["file", "purpose"],
    "properties": {
        "file": {"type": "string", "format": "binary"},
        "purpose": {"type": "string", "enum": PURPOSES},
        ANCHOR: {"type": "string", "enum": ["created_at"]},
        SECONDS: {"type": "integer", "minimum": SHORTEST, "maximum": LONGEST},
    },
}
"""What the form holds, for the OpenAPI document."""
FORM = "Send the file as multipart/form-data, with the fields `file` and `purpose`."
CUT = "The form breaks off before its end: send it again."


class Form:
    """`feed` it the body; then `end` it. `file` is what the client calls its file."""

    def __init__(self, content_type: str) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data" or not boundary:
            raise Bad(FORM)
        self.fields: dict[str, str] = {}
        self.file: str | None = None
        self._out: list[bytes] = []
        self._header, self._value = b"", b""
        self._disposition = b""
        self._name, self._content = "", b""
        self._kept, self._parts = 0, 0
        self._whole = False
        self._parser = self._reader(boundary)

    def feed(self, piece: bytes) -> bytes:
        """What it adds to the file."""
        try:
            self._parser.write(piece)
        except FormParserError:
            raise Bad(f"The form is broken. {FORM}") from None
        found = b"".join(self._out)
        self._out.clear()
        return found

    def end(self) -> None:
        """`Bad` unless all of it was there, and a file in it."""
        if not self._whole:
            raise Bad(CUT)
        if self.file is None:
            raise Bad("The form has no file: send it as the field `file`.", "file")

    def purpose(self) -> Purpose:
        """What the file is for."""
        for one in PURPOSES:
            if one == self.fields.get("purpose"):
                return one
        raise Bad(f"'purpose' must be one of {', '.join(PURPOSES)}.", "purpose")

    def lasts(self) -> timedelta | None:
        """How long the file is to be kept; for good if None."""
        if ANCHOR not in self.fields and SECONDS not in self.fields:
            return None
        told = self.fields.get(SECONDS, "")
        seconds = int(told) if re.fullmatch("[0-9]{1,8}", told) else 0
        anchor = self.fields.get(ANCHOR, "created_at")
        if anchor == "created_at" and SHORTEST <= seconds <= LONGEST:
            return timedelta(seconds=seconds)
        raise Bad(
            f"'expires_after' needs the anchor created_at and {SHORTEST:,} to {LONGEST:,} seconds.",
            "expires_after",
        )

    def _reader(self, boundary: bytes) -> MultipartParser:
        try:
            return MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": self._take_header,
                    "on_header_value": self._take_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._begin_content,
                    "on_part_data": self._take,
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
                max_header_size=HEADER,
            )
        except FormParserError:
            raise Bad("The boundary of the form is too long.") from None

    def _begin_part(self) -> None:
        self._disposition, self._content, self._name = b"", b"", ""
        self._parts += 1
        if self._parts > PARTS:
            raise Bad(f"The form has more than {PARTS} parts. {FORM}")

    def _take_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _take_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def _begin_content(self) -> None:
        _, options = parse_options_header(self._disposition)
        if b"name" not in options:
            raise Bad(f"A part of the form has no name. {FORM}")
        self._name = _decoded(options[b"name"])
        if self._name == "file":
            if self.file is not None:
                raise Bad("The form has two files: send one.", "file")
            self.file = _decoded(options.get(b"filename", b""))
        elif b"filename" in options:
            raise Bad("The form has a file by another name: send it as the field `file`.", "file")

    def _take(self, data: bytes, start: int, end: int) -> None:
        if self._name == "file":
            self._out.append(data[start:end])
            return
        self._kept += end - start
        if self._kept > SMALL:
            raise Bad(f"The fields of the form have more than {SMALL:,} bytes. {FORM}")
        self._content += data[start:end]

    def _end_part(self) -> None:
        if self._name != "file":
            self.fields[self._name] = _decoded(self._content)

    def _end(self) -> None:
        self._whole = True


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
