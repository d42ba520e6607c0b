"""Forms with a file: read in any pieces, and refused where they are none."""

from datetime import timedelta

import pytest

from sutdol.api.forms import ANCHOR, SECONDS, Form
from sutdol.chat.asked import Bad

LINE = "a-line"
KIND = f"multipart/form-data; boundary={LINE}"
FORM = {"content-type": KIND}


def part(name: str, content: bytes, filename: str | None = None) -> bytes:
    file = "" if filename is None else f'; filename="{filename}"'
    head = f'--{LINE}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{LINE}--\r\n".encode()


PURPOSE = part("purpose", b"assistants")
FILE = part("file", b"a", "a.txt")


def read(body: bytes, step: int = 65_536) -> tuple[Form, bytes]:
    """The form, and what its file holds."""
    made = Form(KIND)
    found = b"".join(made.feed(body[n : n + step]) for n in range(0, len(body), step))
    made.end()
    return made, found


@pytest.mark.parametrize("step", [1, 2, 7, 64, 65_536])
def test_a_form_may_come_in_any_pieces(step: int) -> None:
    content = b"\r\n--a-line\n\r\n--a-lin\r\n\r\n--" * 20
    made, found = read(form(PURPOSE, part("file", content, "한글.txt"), part("x", b"y")), step)

    assert found == content
    assert made.file == "한글.txt"
    assert made.fields == {"purpose": "assistants", "x": "y"}
    assert made.purpose() == "assistants"


def test_a_file_needs_no_name() -> None:
    made, found = read(form(part("file", b"a"), PURPOSE))
    assert (made.file, found) == ("", b"a")


def test_bytes_that_are_no_text_are_no_trouble() -> None:
    raw = form(PURPOSE, part("file", b"a", "NAME")).replace(b"NAME", b"\xff\xfe")
    assert read(raw)[0].file == "\ufffd\ufffd"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (form(PURPOSE), "file"),
        (form(), "file"),
        (form(FILE, FILE, PURPOSE), "file"),
        (form(part("other", b"a", "a"), PURPOSE), "file"),
        (form(FILE, PURPOSE)[:-8], None),
        (form(FILE, PURPOSE)[:60], None),
        (form(FILE, PURPOSE).replace(b"a-line", b"b-line"), None),
        (form(FILE, part("purpose", b"x" * 20_000)), None),
        (form(*[part(f"f{number}", b"") for number in range(60)]), None),
        (f"--{LINE}\r\nContent-Type: text/plain\r\n\r\nx\r\n".encode() + form(), None),
        (f"--{LINE}\r\n{'x' * 70_000}: y\r\n\r\n".encode(), None),
        (b"hello", None),
        (b"", None),
    ],
)
def test_what_is_no_form_is_refused(body: bytes, param: str | None) -> None:
    with pytest.raises(Bad) as refused:
        read(body)
    assert refused.value.param == param


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/mixed; boundary=x",
        "multipart/form-data; boundary=" + "x" * 900,
    ],
)
def test_only_forms_with_a_boundary_are_read(kind: str) -> None:
    with pytest.raises(Bad):
        Form(kind)


@pytest.mark.parametrize("purpose", [b"", b"anything", b"assistants\0"])
def test_a_purpose_is_one_of_few(purpose: bytes) -> None:
    made, _ = read(form(FILE, part("purpose", purpose)))
    with pytest.raises(Bad) as refused:
        made.purpose()
    assert refused.value.param == "purpose"


@pytest.mark.parametrize("seconds", [3_600, 2_592_000])
def test_a_file_may_last_from_an_hour_to_a_month(seconds: int) -> None:
    told = part(SECONDS, str(seconds).encode())
    assert read(form(FILE, told))[0].lasts() == timedelta(seconds=seconds)
    assert read(form(FILE, part(ANCHOR, b"created_at"), told))[0].lasts() is not None
    assert read(form(FILE))[0].lasts() is None


@pytest.mark.parametrize(
    ("anchor", "seconds"),
    [
        (b"created_at", b"3599"),
        (b"created_at", b"2592001"),
        (b"created_at", b"1e5"),
        (b"created_at", b"3600\n"),
        (b"created_at", "٣٦٠٠٠".encode()),
        (b"created_at", b"9" * 5_000),
        (b"now", b"3600"),
        (b"created_at", b""),
    ],
)
def test_other_lengths_are_refused(anchor: bytes, seconds: bytes) -> None:
    made, _ = read(form(FILE, part(ANCHOR, anchor), part(SECONDS, seconds)))
    with pytest.raises(Bad) as refused:
        made.lasts()
    assert refused.value.param == "expires_after"
