"""Unpack a backup that may be damaged or hostile: nothing but what its manifest promises."""

import struct
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from gzip import BadGzipFile, GzipFile
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Self

from sutdol.core.errors import BadInput, Corrupted, Refused, SutdolError
from sutdol.storage import files
from sutdol.storage.archive import MANIFEST, MOST_MANIFEST, Manifest, Progress, manifest
from sutdol.storage.faults import disk_fault

BLOCK = 1 << 20
MOST_HEADER = 1 << 16  # bytes: far more than a long name takes
REGULAR = (tarfile.REGTYPE, tarfile.AREGTYPE)

# What reading a damaged stream raises; a BadGzipFile is an OSError, which else means the disk.
DAMAGE = (
    BadGzipFile,
    tarfile.TarError,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    OverflowError,
    RecursionError,
)


def unpack(archive: Path, folder: Path, progress: Progress) -> Manifest:
    """Write the files of a backup below `folder`: whole and as the manifest says, or an error."""
    with _opened(archive) as raw, GzipFile(fileobj=raw) as stream:
        with _or(BadInput(f"{archive} is no backup of Sutdol, or it is damaged."), folder):
            tar = tarfile.open(fileobj=stream, mode="r|", bufsize=BLOCK, tarinfo=_Small)  # noqa: SIM115
            made = _manifest(tar, archive)
        files.require_room(folder, made.size, "the backup needs")
        damaged = f"{archive} is damaged or was cut off: take another backup. Nothing was restored."
        with _or(Corrupted(damaged), folder):
            missing, done = set(made.files), 0
            while (member := tar.next()) is not None:
                progress(done, made.size)
                if member.name not in missing or not _is_promised(member, made):
                    raise _hostile(archive, member.name)
                _write(tar, member, folder / member.name, made)
                missing.remove(member.name)
                done += member.size
            if missing:
                raise EOFError
            progress(done, made.size)
    return made


def _manifest(tar: tarfile.TarFile, archive: Path) -> Manifest:
    first = tar.next()
    if first is None or first.name != MANIFEST or first.size > MOST_MANIFEST:
        raise BadInput(f"{archive} is no backup of Sutdol: it does not begin with a manifest.")
    content = tar.extractfile(first)
    return manifest(b"" if content is None else content.read(), str(archive))


def _is_promised(member: tarfile.TarInfo, made: Manifest) -> bool:
    """Whether it is the plain file that the manifest tells of; no link, no device, no hole.

    Names were looked at with the manifest, and nothing is written but by us, so this says all that
    tarfile's data filter would, which Python 3.11.2 does not have.
    """
    plain = member.type in REGULAR and not member.issparse()
    return plain and member.size == made.files[member.name].size


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path, made: Manifest) -> None:
    source, hashed = tar.extractfile(member), sha256()
    assert source is not None
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as target:
        while block := source.read(BLOCK):
            hashed.update(block)
            target.write(block)
    if hashed.hexdigest() != made.files[member.name].sha256:
        raise ValueError(member.name)


def _hostile(archive: Path, name: str) -> Refused:
    return Refused(f"{archive} is no honest backup: it holds {name!r}. Nothing was restored.")


def _opened(archive: Path) -> BinaryIO:
    try:
        return archive.open("rb")
    except OSError as error:
        raise BadInput(f"{archive} cannot be read: {error.strerror}.") from None


@contextmanager
def _or(damaged: SutdolError, folder: Path) -> Iterator[None]:
    try:
        yield
    except DAMAGE as error:
        raise damaged from error
    except OSError as error:
        raise disk_fault(error, folder) from error


class _Small(tarfile.TarInfo):
    """A member whose extra headers are short: they are read whole, before anybody sees a name."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        member = super().frombuf(buf, encoding, errors)
        if member.type not in REGULAR and member.size > MOST_HEADER:
            raise Refused(f"The backup is no honest one: it has a header of {member.size} bytes.")
        return member
