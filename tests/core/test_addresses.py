"""Addresses as they may be shown: no password, wherever it stands."""

import pytest

from sutdol.core.addresses import bare


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1"),
        ("https://Anna:s3cret@Models.example/v1?key=s3cret#s3cret", "https://Models.example/v1"),
        ("redis://:s3cret@[::1]:6379/0", "redis://[::1]:6379/0"),
        ("redis://:a@s3cret@host/0", "redis://host/0"),
        ("postgresql+psycopg://u@db/rows?password=s3cret", "postgresql+psycopg://db/rows"),
        (
            "sqlite+pysqlite:////srv/me@work/sutdol.db?x=1",
            "sqlite+pysqlite:////srv/me@work/sutdol.db",
        ),
        ("unix:///run/redis.sock?password=s3cret", "unix:///run/redis.sock"),
        ("redis://:s3/cret@host:6379/0", ""),
        ("redis://u:12?s3cret@host", ""),
        ("redis://u:12#s3cret@host", ""),
        ("user:s3cret@host", ""),
        ("s3cret", ""),
        ("http://[::1", ""),
        ("", ""),
    ],
)
def test_who_signs_in_is_cut_out(address: str, shown: str) -> None:
    assert bare(address) == shown
