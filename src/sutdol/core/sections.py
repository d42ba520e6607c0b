"""The groups of settings, each with its defaults and what it means."""

from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator


class Battle(BaseModel):
    """How large and how hard a round of the arena is."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    texts: int = Field(default=150, ge=1)
    """Texts attacked in one round."""
    queries: int = Field(default=80, ge=1)
    """Questions an adaptive attack may ask the guard about one text."""
    edits: int = Field(default=4, ge=1)
    """Words an attack may change in one text."""
    trigger: float = Field(default=0.99, ge=0, le=1)
    """Share of attacks caught under which the guard is improved after the round."""


class Guard(BaseModel):
    """How the guard decides."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    fpr: float = Field(default=0.05, gt=0, lt=1)
    """Share of harmless texts the guard may flag; its thresholds are set to it."""


class Loop(BaseModel):
    """When a worker improves a role by itself."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    after_examples: int = Field(default=500, ge=0)
    """New examples after which a role is improved; 0 never does."""
    detection: float = Field(default=0.9, ge=0, le=1)
    """Share of attacks caught in a scheduled evaluation under which the guard is improved."""
    cooldown: float = Field(default=3600.0, ge=0)
    """Seconds between two turns that nobody asked for."""
    look: float = Field(default=60.0, ge=1)
    """Seconds between two looks of a worker whether a role is due for improvement."""
    evaluate_cron: str = "15 3 * * *"
    """When the champion is evaluated, as a cron expression; `off` never does."""
    improve_cron: str = "off"
    """When roles are improved whatever there is, such as `0 4 * * *`; `off` never does."""
    timezone: str = "UTC"
    """The time zone of the cron expressions, such as Asia/Seoul."""

    @field_validator("evaluate_cron", "improve_cron", mode="before")
    @classmethod
    def _cron(cls, value: object) -> object:
        if value is False:  # as YAML reads `off`
            return "off"
        if isinstance(value, str) and value != "off" and len(value.split()) not in (5, 6):
            raise ValueError("A cron expression has five fields, such as '0 4 * * *', or is 'off'")
        return value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("No such time zone; write one such as Asia/Seoul") from None
        return value


class Worker(BaseModel):
    """How a worker works."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    slots: int = Field(default=1, ge=1)
    """Queued flows that one worker runs at once."""
    most: int | None = Field(default=None, ge=1)
    """Queued flows that run at once on all workers together; no limit unless set."""
    attempts: int = Field(default=10, ge=1)
    """Times a step may be begun before its flow fails: what kills its process must not loop."""
    silence: float = Field(default=4.0, ge=2)
    """Seconds without a heartbeat after which a worker counts as dead and others take over."""


class Upstream(BaseModel):
    """An OpenAI-compatible server that answers for the gateway."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")
    """What it is called here; clients may ask for `NAME/MODEL`."""
    url: str = Field(repr=False, pattern=r"^https?://")
    """Its address, which ends in `/v1` as a rule."""
    key: SecretStr | None = None
    """The key it asks for."""
    models: tuple[str, ...] = ()
    """Patterns of the models it serves, such as `gpt-*`; those that it lists unless given."""
    rename: dict[str, str] = {}
    """What it calls a model that clients ask for by another name."""
    prices: dict[str, tuple[float, float]] = {}
    """Cost of a million tokens read and written, by pattern of the model."""
    usage: bool = True
    """Whether it is asked to count the tokens of streams; a few old servers refuse."""


class Gateway(BaseModel):
    """How chats are passed on, guarded and kept."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    guard_input: bool = True
    """Whether the guard reads what users send."""
    guard_roles: tuple[str, ...] = ("user", "tool", "function")
    """Whose messages it reads; add `system` and `assistant` where keys are in strangers' hands."""
    guard_output: bool = False
    """Whether the guard reads what models answer; streams then come in small steps."""
    hold_back: int = Field(default=200, ge=20)
    """Characters of a stream that wait for the guard."""
    blocked: Literal["error", "refusal"] = "error"
    """What a blocked request gets: an error, or an answer that says no."""
    store: bool = False
    """Whether chats are kept as conversations unless a request says otherwise."""
    connect: float = Field(default=5.0, gt=0)
    """Seconds to reach an upstream."""
    first: float = Field(default=300.0, gt=0)
    """Seconds for an upstream to begin its answer."""
    idle: float = Field(default=120.0, gt=0)
    """Seconds between two pieces of an answer."""
    attempts: int = Field(default=2, ge=1, le=10)
    """Tries at one upstream before the next one is asked."""
    in_flight: int = Field(default=1_000, ge=1)
    """Chats under way at once in one process; more are told to come back."""


class Server(BaseModel):
    """How the web server listens, and what it accepts."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    body: int = Field(default=10_000_000, ge=1_000)
    """Bytes of a request; uploads have a limit of their own."""
    upload: int = Field(default=512_000_000, ge=1_000)
    """Bytes of an uploaded file."""
    uploads: int = Field(default=5_000_000_000, ge=1_000)
    """Bytes of all files that one user may keep."""
    patience: float = Field(default=30.0, gt=0)
    """Seconds for a request to arrive."""
    connections: int = Field(default=20_000, ge=10)
    """Open connections of one process."""
    hosts: str = ""
    """Names under which browsers may reach it, besides its address, with commas between them."""
    plain_http: bool = False
    """Whether browsers stay signed in without HTTPS, where others can listen."""
    session: float = Field(default=604_800.0, ge=60)
    """Seconds until a signed-in user has to sign in again."""
    feedback: int = Field(default=200, ge=1)
    """Pieces of feedback that one user may give in a day."""
    keep_days: int = Field(default=400, ge=1)
    """Days for which requests and the guard's decisions stay on record."""
    log_text: bool = False
    """Whether messages of users may stand in the log."""
    bundled_guard: bool = True
    """Whether a home without any guard gets one trained on the bundled texts."""

    @property
    def names(self) -> list[str]:
        return [one.strip().lower() for one in self.hosts.split(",") if one.strip()]
