"""The tables of the server: who may ask, what was asked and decided, said, judged and uploaded."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, ForeignKey, Index, Integer, Table

from sutdol.storage.columns import Moment, Words, body, created, metadata

user = Table(
    "user",
    metadata,
    Column("id", Words(32), primary_key=True),
    Column("name", Words(64), nullable=False, unique=True),
    Column("role", Words(16), nullable=False),
    Column("password", Words(256)),  # argon2id; None: signs in by key only
    Column("disabled_at", Moment),
    created(),
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", Words(16), primary_key=True),  # stands in the key itself
    Column("user", ForeignKey("user.id"), nullable=False, index=True),
    Column("name", Words(64), nullable=False),
    Column("digest", Words(64), nullable=False),  # HMAC-SHA-256 of the secret
    Column("role", Words(16), nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("models", JSON, nullable=False),
    Column("rpm", Integer),
    Column("tpm", Integer),
    Column("daily_tokens", Integer),
    Column("expires_at", Moment),
    Column("revoked_at", Moment),
    Column("last_used_at", Moment),
    created(),
)

session = Table(
    "session",
    metadata,
    Column("id", Words(64), primary_key=True),  # HMAC-SHA-256 of the cookie
    Column("user", ForeignKey("user.id"), nullable=False, index=True),
    Column("csrf", Words(64), nullable=False),
    Column("expires_at", Moment, nullable=False),
    created(),
)

secret = Table(
    "secret",
    metadata,
    Column("name", Words(32), primary_key=True),
    Column("value", Words(64), nullable=False),
    created(),
)

stamp = Table(
    "stamp",
    metadata,
    # Counts changes, so that processes that keep rows in memory see when to forget them.
    Column("name", Words(32), primary_key=True),
    Column("number", Integer, nullable=False),
)

# Rows of the batching writer point to each other by plain ids: they may land in any order, and
# `user` and `key` may be nobody's where no key is asked for.
request = Table(
    "request",
    metadata,
    Column("id", Words(64), primary_key=True),
    Column("user", Words(32)),
    Column("key", Words(16)),
    Column("route", Words(64), nullable=False),
    Column("model", Words(200)),
    Column("upstream", Words(64)),
    Column("status", Integer, nullable=False),
    Column("error", Words(64)),
    Column("stream", Boolean, nullable=False),
    Column("prompt_tokens", Integer),
    Column("completion_tokens", Integer),
    Column("estimated", Boolean, nullable=False),
    Column("cost", Float),
    Column("milliseconds", Float, nullable=False),
    Column("first_milliseconds", Float),
    created(),
    Index(None, "created_at"),
    Index(None, "user", "created_at"),
    Index(None, "key", "created_at"),
)

decision = Table(
    "decision",
    metadata,
    Column("id", Words(64), primary_key=True),
    Column("request", Words(64), nullable=False, index=True),
    Column("side", Words(16), nullable=False),  # input, output, moderation
    Column("digest", Words(64), nullable=False),  # HMAC-SHA-256 of the text, which is not kept
    Column("version", Words(64), nullable=False),
    Column("flagged", Boolean, nullable=False),
    Column("blocked", Boolean, nullable=False),
    Column("score", Float, nullable=False),
    Column("categories", JSON, nullable=False),
    created(),
    Index(None, "created_at"),
)

conversation = Table(
    "conversation",
    metadata,
    Column("id", Words(64), primary_key=True),
    Column("user", Words(32), nullable=False),
    Column("title", Words, nullable=False),
    body("meta"),
    created(),
    Column("updated_at", Moment, nullable=False),
    Index(None, "user", "updated_at"),
)

message = Table(
    "message",
    metadata,
    Column("id", Words(64), primary_key=True),
    Column("conversation", Words(64), nullable=False),
    Column("number", Integer, nullable=False),
    Column("role", Words(16), nullable=False),
    Column("content", Words, nullable=False),
    Column("folded", Words, nullable=False),  # NFC, no case: what a search looks into
    body(),  # what else the message holds, such as tool calls
    Column("request", Words(64)),
    Column("model", Words(200)),
    Column("dropped_at", Moment),  # taken back: kept for what was said of it, and shown to nobody
    created(),
    Index(None, "conversation", "created_at", "number"),
)

feedback = Table(
    "feedback",
    metadata,
    Column("id", Words(64), primary_key=True),
    Column("kind", Words(16), nullable=False),  # thumb, label, correction, click, score
    Column("role", Words(32), nullable=False),  # whom it teaches
    Column("subject_kind", Words(16), nullable=False),  # request, message, decision, text
    Column("subject", Words(64)),
    body("value"),
    Column("user", Words(32), nullable=False),
    Column("key", Words(16)),
    Column("source", Words(128), nullable=False),  # of the example it becomes: what `forget` names
    Column("state", Words(16), nullable=False),  # waiting, accepted, rejected, forgotten
    Column("example", Words(64)),
    Column("reviewer", Words(32)),
    Column("reviewed_at", Moment),
    created(),
    Index(None, "state", "created_at"),
    Index(None, "user", "created_at"),
    Index(None, "source"),
)

upload = Table(
    "upload",
    metadata,
    Column("id", Words(64), primary_key=True),
    Column("user", Words(32), nullable=False),
    Column("name", Words(255), nullable=False),  # as the client called it; never a path of ours
    Column("purpose", Words(32), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("digest", Words(64), nullable=False),  # SHA-256 of the content, the file's name
    Column("expires_at", Moment),
    created(),
    Index(None, "user", "created_at"),
)
