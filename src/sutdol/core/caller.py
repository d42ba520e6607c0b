"""Who asks, and what they may do: roles of users, scopes of keys."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

UserRole = Literal["user", "reviewer", "operator", "admin"]
"""Each may do all that those before it may: ask, judge feedback, change models, hand out keys."""
ROLES: tuple[UserRole, ...] = get_args(UserRole)

Scope = Literal["chat", "moderate", "feedback", "battles", "models", "usage", "admin"]
SCOPES: Mapping[Scope, str] = {
    "chat": "models, chat, embeddings, responses, files and conversations",
    "moderate": "moderations and the drop-in for Perspective",
    "feedback": "give and review feedback",
    "battles": "start and watch battles",
    "models": "versions, verdicts, promotion and roll-back",
    "usage": "usage and cost",
    "admin": "users and keys",
}
"""What a key may be limited to; `*` is all that its role allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A user who showed a key or a session; `models` are patterns, none of them means all."""

    user: str
    name: str
    role: UserRole
    key: str | None = None
    scopes: tuple[str, ...] = ("*",)
    models: tuple[str, ...] = ()
    rpm: int | None = None
    tpm: int | None = None
    daily_tokens: int | None = None
    csrf: str | None = None  # of a session: what a form has to send along
    until: datetime | None = None  # when the key or the session ends

    @property
    def actor(self) -> str:
        """What the event log calls whoever it is."""
        return f"user:{self.name}"

    def at_least(self, role: UserRole) -> bool:
        return ROLES.index(self.role) >= ROLES.index(role)

    def within(self, scope: str) -> bool:
        return "*" in self.scopes or scope in self.scopes


LOCAL = Caller(user="local", name="local", role="admin")
"""Anybody on this machine, where no key is asked for."""
