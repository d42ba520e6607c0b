"""Who may do what, by method and path: one table, and what it does not name is refused."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from sutdol.core.caller import UserRole

READS = ("GET", "HEAD")
SHORT = 100  # characters of a path that is worth remembering; strangers may send any


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a caller needs: a role at least, and a key with the scope; neither where it is open."""

    scope: str
    role: UserRole
    open: bool = False


Row = tuple[str, Literal["any", "read", "write"], Rule]


def _rule(scope: str, role: UserRole = "user") -> Rule:
    return Rule(scope=scope, role=role)


OPEN = Rule(scope="", role="user", open=True)
SIGNED_IN = _rule("*")
"""Whoever is known, with a key of any scope."""
NOBODY = _rule("nothing", "admin")
"""For a path that no row names: only an admin without a limited key learns that it is not there."""

TABLE: tuple[Row, ...] = (
    ("/health", "read", OPEN),
    ("/ready", "read", OPEN),
    ("/openapi.json", "read", OPEN),
    ("/metrics", "read", _rule("usage", "operator")),
    ("/v1/moderations", "any", _rule("moderate")),
    ("/v1alpha1/comments:analyze", "any", _rule("moderate")),
    ("/v1alpha1/comments:suggestscore", "any", _rule("feedback")),
    ("/v1/models", "read", SIGNED_IN),
    ("/v1/chat/completions", "any", _rule("chat")),
    ("/v1/embeddings", "any", _rule("chat")),
    ("/v1/responses", "any", _rule("chat")),
    ("/v1/files", "any", _rule("chat")),
    ("/api/v1/sessions", "any", OPEN),  # to sign in; what it tells depends on who asks
    ("/api/v1/first-admin", "any", OPEN),  # by the link that `sutdol up` prints
    ("/api/v1/me", "any", SIGNED_IN),
    ("/api/v1/conversations", "any", _rule("chat")),
    ("/api/v1/upstreams", "read", _rule("chat")),
    ("/api/v1/feedback", "write", _rule("feedback")),
    ("/api/v1/feedback", "read", _rule("feedback", "reviewer")),
    ("/api/v1/feedback/", "any", _rule("feedback", "reviewer")),
    ("/api/v1/battles", "read", _rule("battles")),
    ("/api/v1/battles", "write", _rule("battles", "operator")),
    ("/api/v1/flows", "read", _rule("battles", "operator")),
    ("/api/v1/models", "read", _rule("models")),
    ("/api/v1/models", "write", _rule("models", "operator")),
    ("/api/v1/verdicts", "read", _rule("models")),
    ("/api/v1/verdicts", "write", _rule("models", "operator")),
    ("/api/v1/usage", "read", _rule("usage")),
    ("/api/v1/requests", "read", _rule("usage")),
    ("/api/v1/keys", "any", _rule("admin")),
    ("/api/v1/users", "any", _rule("admin", "admin")),
    ("/api/v1/attacks", "read", _rule("battles")),
    ("/api/v1/doctor", "read", _rule("admin", "operator")),
    ("/api/v1/settings", "read", _rule("admin", "admin")),
    ("/", "read", SIGNED_IN),  # from here on what people see
    ("/arena", "read", SIGNED_IN),
    ("/models", "read", SIGNED_IN),
    ("/feedback", "read", _rule("*", "reviewer")),
    ("/chat", "read", SIGNED_IN),
    ("/keys", "read", SIGNED_IN),
    ("/settings", "read", SIGNED_IN),
    ("/style", "read", SIGNED_IN),
    ("/sign-in", "read", OPEN),
    ("/welcome", "read", OPEN),
    ("/static", "read", OPEN),
    ("/favicon.ico", "read", OPEN),
)
"""Path, methods, rule. A path covers all below it, `/` itself alone; the longest counts."""


def rule(method: str, path: str) -> Rule:
    """The rule for a request."""
    return found(method, path) if len(path) <= SHORT else found.__wrapped__(method, path)


@lru_cache(2048)
def found(method: str, path: str) -> Rule:
    wanted = ("any", "read" if method in READS else "write")
    fitting = [row for row in TABLE if row[1] in wanted and _covers(row[0], path)]
    return max(fitting, key=lambda row: len(row[0]), default=("", "any", NOBODY))[2]


def _covers(prefix: str, path: str) -> bool:
    if prefix == "/" or not path.startswith(prefix):
        return path == prefix
    return prefix.endswith("/") or len(path) == len(prefix) or path[len(prefix)] in "/:"
