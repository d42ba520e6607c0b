"""The pepper is made once, whoever asks first, and digests depend on it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier

from sutdol.storage.database import Database
from sutdol.storage.secrets import digest, pepper


def test_a_home_keeps_its_pepper(db: Database, now: datetime) -> None:
    first = pepper(db, now)

    assert len(first) == 32
    assert pepper(db, now + timedelta(days=1)) == first


def test_first_starts_at_once_agree(database_url: str, tmp_path: Path, now: datetime) -> None:
    ready = Barrier(4)

    def start(_: int) -> bytes:
        with Database.open(database_url, tmp_path, wait=20) as mine:
            ready.wait()
            return pepper(mine, now)

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(start, range(4)))) == 1


def test_a_digest_is_hmac_sha_256() -> None:
    # RFC 4231, test case 2
    known = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"

    assert digest(b"Jefe", "what do ya want for nothing?") == known
