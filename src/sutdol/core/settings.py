"""Every setting of Sutdol, from flags, environment, `.env` and `sutdol.yaml`: nothing else reads
the environment.
"""

import os
import re
from pathlib import Path
from typing import Literal

import yaml
from dotenv import dotenv_values
from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from sutdol.core.errors import UnknownName, UsageError
from sutdol.core.sections import Battle, Gateway, Guard, Loop, Server, Upstream, Worker

CONVENTIONAL = {
    "database_url": ("DATABASE_URL",),
    "redis_url": ("REDIS_URL",),
    "openai_base_url": ("OPENAI_BASE_URL",),
    "openai_api_key": ("OPENAI_API_KEY",),
    "vllm_base_url": ("VLLM_BASE_URL",),
    "hf_token": ("HF_TOKEN", "HUGGINGFACE_TOKEN"),
    "runpod_api_key": ("RUNPOD_API_KEY",),
    "runpod_endpoint_id": ("RUNPOD_ENDPOINT_ID",),
    "mlflow_tracking_uri": ("MLFLOW_TRACKING_URI",),
    "port": ("FASTAPI_PORT",),
    "auth": ("ENABLE_AUTH",),
}
"""Names other tools use; they count where the `SUTDOL_*` name is not set."""

DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "sqlite+aiosqlite": "sqlite+pysqlite",
    "sqlite+pysqlite": "sqlite+pysqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+asyncpg": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "postgresql+psycopg2": "postgresql+psycopg",
}


class Settings(BaseSettings):
    """Defaults < `sutdol.yaml` < `.env` < environment < flags: made by `Settings.load`.

    URLs are kept out of `repr`, because they may hold passwords.
    """

    model_config = SettingsConfigDict(
        env_prefix="SUTDOL_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        validate_default=True,
        use_attribute_docstrings=True,
    )

    home: Path = Path(".sutdol")
    """The folder under which everything is written."""
    database_url: str = Field(default="", repr=False)
    """Where the rows live: `sqlite:///FILE` or `postgresql://...`; else a SQLite file in `home`."""
    database_wait: float = Field(default=30.0, ge=0, le=3600)
    """Seconds to wait while another process is writing to the database."""
    redis_url: str | None = Field(default=None, repr=False)
    """Redis for cache, events and locks shared between processes."""
    openai_base_url: str | None = Field(default=None, repr=False)
    """An OpenAI-compatible server, such as Ollama's `http://127.0.0.1:11434/v1`."""
    openai_api_key: SecretStr | None = None
    """Key of that server."""
    llm_model: str = "llama3.2"
    """The language model that writes LLM attacks."""
    vllm_base_url: str | None = Field(default=None, repr=False)
    """A vLLM server that serves fine-tuned adapters."""
    hf_token: SecretStr | None = None
    """Token of the model hub."""
    runpod_api_key: SecretStr | None = None
    """Key for serverless GPUs at RunPod."""
    runpod_endpoint_id: str | None = None
    """The RunPod endpoint to call."""
    mlflow_tracking_uri: str | None = Field(default=None, repr=False)
    """An MLflow server that mirrors runs and versions."""
    host: str = "127.0.0.1"
    """Address the web server listens at; another than this machine's own asks for keys."""
    port: int = Field(default=8080, ge=0, le=65535)
    """Port of the web server; 0 takes any free one."""
    auth: Literal["auto", "on", "off"] = "auto"
    """Whether requests need a key; `auto` asks for one unless bound to this machine only."""
    upstreams: tuple[Upstream, ...] = ()
    """The model servers behind the gateway, first choice first; OPENAI_BASE_URL, VLLM_BASE_URL and
    RunPod's names add theirs."""
    gateway: Gateway = Gateway()
    """How chats are passed on, guarded and kept."""
    server: Server = Server()
    """How the web server listens, and what it accepts."""
    otel_endpoint: str | None = Field(default=None, repr=False)
    """Where traces are sent by OTLP over HTTP, such as `http://127.0.0.1:4318/v1/traces`."""
    battle: Battle = Battle()
    """How large and how hard a round of the arena is."""
    guard: Guard = Guard()
    """How the guard decides."""
    loop: Loop = Loop()
    """When a worker improves a role by itself."""
    worker: Worker = Worker()
    """How a worker works."""

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        return home.expanduser().absolute()

    @field_validator("upstreams")
    @classmethod
    def _named_once(cls, upstreams: tuple[Upstream, ...]) -> tuple[Upstream, ...]:
        names = [one.name for one in upstreams]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"Two of them are called {name}: give each a name of its own")
        return upstreams

    @field_validator("auth", mode="before")
    @classmethod
    def _as_word(cls, value: object) -> object:
        words = {"1": "on", "true": "on", "yes": "on", "0": "off", "false": "off", "no": "off"}
        word = str(value).lower()
        return words.get(word, word)

    @classmethod
    def load(cls, **flags: object) -> "Settings":
        """Read all layers; a flag that is None was not given."""
        try:
            settings = cls.model_validate(_given(flags))
        except ValidationError as error:
            raise _explained(error.errors(include_url=False)[0]) from None
        except SettingsError as error:
            raise UsageError(f"The environment holds a bad setting: {error}.") from None
        return settings.model_copy(update={"database_url": _database_url(settings)})

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = InitSettingsSource(settings_cls, _given(_from_file()))
        return init_settings, _Environment(settings_cls), file


class _Environment(EnvSettingsSource):
    def _load_env_vars(self) -> dict[str, str | None]:
        variables = _variables()
        found: dict[str, str | None] = {}
        for field, names in CONVENTIONAL.items():
            found |= {
                f"sutdol_{field}": variables[name] for name in names[::-1] if name in variables
            }
        return found | {name.lower(): value for name, value in variables.items()}


def _variables() -> dict[str, str]:
    """The environment over `.env`; an empty value counts as not set."""
    try:
        from_file = dotenv_values(".env") if Path(".env").is_file() else {}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"Cannot read .env: {error}.") from None
    both = from_file | dict(os.environ)  # noqa: TID251  the one place that reads it
    return {name: value for name, value in both.items() if value}


def _from_file() -> dict[str, object]:
    variables = _variables()
    path = Path(variables.get("SUTDOL_CONFIG", "sutdol.yaml"))
    if not path.is_file() and "SUTDOL_CONFIG" not in variables:
        return {}
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"Cannot read {path}: {error}.") from None
    except yaml.YAMLError as error:
        raise UsageError(f"{path} is not YAML: {' '.join(str(error).split())}.") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageError(f"{path} must hold `name: value` lines.")
    return {str(key): _filled(value, str(key), variables) for key, value in content.items()}


def _filled(value: object, path: str, variables: dict[str, str]) -> object:
    """`value` with each `${NAME}` and `${NAME:-default}` replaced."""
    if isinstance(value, dict):
        return {str(k): _filled(v, f"{path}.{k}", variables) for k, v in value.items()}
    if isinstance(value, list):
        return [_filled(v, f"{path}.{n}", variables) for n, v in enumerate(value)]
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        name, default = match["name"], match["default"]
        if name not in variables and default is None:
            raise UsageError(
                f"Setting {path} needs the environment variable {name}, which is not set."
            )
        return variables.get(name, default)

    return re.sub(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*))?\}", fill, value)


def _given(layer: dict[str, object]) -> dict[str, object]:
    """`layer` without what was left empty."""
    nested = {
        key: _given(value) if isinstance(value, dict) else value for key, value in layer.items()
    }
    return {key: value for key, value in nested.items() if value not in (None, "")}


def usual_database(home: Path) -> str:
    """Where the rows live unless something else is said: in a file of the home."""
    path = home.as_posix().replace("%", "%25").replace("?", "%3F")
    return f"{DRIVERS['sqlite']}:///{path}/sutdol.db"


def _database_url(settings: Settings) -> str:
    if not settings.database_url:
        return usual_database(settings.home)
    scheme, _, rest = settings.database_url.partition(":")
    if scheme not in DRIVERS or not rest.startswith("//"):
        raise UsageError("Setting database_url must start with sqlite:/// or postgresql://.")
    return f"{DRIVERS[scheme]}:{rest}"


def _explained(error: ErrorDetails) -> UsageError:
    path = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return UnknownName("setting", path, _names(Settings))
    what = error["msg"].removeprefix("Value error, ")
    shown = "" if _is_secret(path) else f" is {error['input']!r}"
    return UsageError(f"Setting {path}{shown}: {what[0].lower()}{what[1:]}.")


def _is_secret(path: str) -> bool:
    field = Settings.model_fields.get(path)
    if path.startswith("upstreams"):
        return True
    return field is not None and (not field.repr or "Secret" in str(field.annotation))


def _names(model: type[BaseModel]) -> list[str]:
    """All settings by dotted name."""
    names = []
    for name, field in model.model_fields.items():
        names.append(name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            names += [f"{name}.{nested}" for nested in _names(field.annotation)]
    return names
