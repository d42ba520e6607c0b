"""Read the setting redis_url, and refuse a bad one without repeating it: it may hold a password."""

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from sutdol.core.errors import MissingExtra, UsageError

if TYPE_CHECKING:
    from redis import Redis as Client

OPTIONS = {
    "db", "username", "password", "socket_timeout", "socket_connect_timeout", "ssl_cert_reqs",
    "ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile", "ssl_check_hostname",
}  # fmt: skip
"""What may stand behind the question mark."""


def client(url: str, *, wait: float) -> "Client":
    """A client that waits `wait` seconds for an answer; nothing is sent yet."""
    try:
        from redis import Redis as Client
    except ModuleNotFoundError as error:
        raise MissingExtra("Redis", extra="redis") from error
    from redis.backoff import NoBackoff
    from redis.exceptions import ConnectionError as Disconnected
    from redis.exceptions import RedisError
    from redis.retry import Retry

    _look(url)
    network = {} if url.startswith("unix:") else _over_a_network(wait)
    try:
        made = Client.from_url(
            url,
            **network,
            socket_timeout=wait,
            max_connections=1_000,
            # a connection may have died since it was used last; silence is waited for once
            retry=Retry(NoBackoff(), 1, supported_errors=(Disconnected,)),
            protocol=2,  # the newer one lets a server send its clients elsewhere
        )
        made.connection_pool.make_connection()  # this is what reads the options
    except (RedisError, ValueError, TypeError, AttributeError):
        raise _bad("an option has a bad value") from None
    return made


def place(url: str) -> str:
    """Where Redis is, in words that may be shown."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix://{parts.path}"
    host = parts.hostname or "localhost"
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}:{parts.port or 6379}/{_number(url)}"


def _number(url: str) -> str:
    parts = urlsplit(url)
    return parse_qs(parts.query).get("db", [parts.path.strip("/")])[0] or "0"


def _over_a_network(wait: float) -> dict[str, Any]:
    return {"socket_connect_timeout": wait, "socket_keepalive": True}


def _look(url: str) -> None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _bad("its host or port cannot be read") from None
    if parts.scheme not in ("redis", "rediss", "unix") or not url.startswith(f"{parts.scheme}://"):
        raise _bad("it begins otherwise")
    if parts.scheme == "unix" and not parts.path.strip("/"):
        raise _bad("it names no socket")
    if parts.scheme != "unix" and not _number(url).isdecimal():
        raise _bad("a database of Redis is a number")
    if port == 0 or set(parse_qs(parts.query, keep_blank_values=True)) - OPTIONS:
        raise _bad(f"port 0, or another option than {', '.join(sorted(OPTIONS))}")


def _bad(why: str) -> UsageError:
    return UsageError(
        f"Setting redis_url is no address of a Redis ({why}): write redis://HOST:6379/0,"
        " redis://USER:PASSWORD@HOST:6379/0, rediss://... or unix:///run/redis.sock; in a password,"
        " %2F stands for a slash and %40 for @."
    )
