"""Any language model behind an OpenAI-compatible URL: Ollama, vLLM, a hosted one, our fake."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from sutdol.core.errors import EngineError, NotReady, UsageError

if TYPE_CHECKING:
    from aiohttp import ClientSession

PASSING = {408, 429, 500, 502, 503, 504}  # statuses that another try may cure
PAUSES = (0.1, 0.2, 0.4, 0.8)  # seconds between attempts; a server may ask for longer ones
SEEDS = 2**31  # servers disagree about larger ones
SHOWN = 200  # characters of a server's error message


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


Conversation = Sequence[Message]


class _Passing(Exception):
    """A failure that another try may cure, after a pause if the server named one."""

    def __init__(self, what: str, pause: float = 0.0) -> None:
        super().__init__(what)
        self.pause = pause


@dataclass(frozen=True, slots=True, kw_only=True)
class Llm:
    """A language model at `base_url` (which ends in `/v1` as a rule).

    `timeout`: seconds for one answer, with all attempts and the pauses between them.
    Not to be called inside a running event loop: each call runs its own.
    """

    base_url: str = field(repr=False)  # may hold a password
    model: str
    api_key: str = field(default="", repr=False)
    timeout: float = 120.0

    def __post_init__(self) -> None:
        if not _is_address(self.base_url):  # not shown: it may hold a password
            raise UsageError("OPENAI_BASE_URL must be an address like http://127.0.0.1:11434/v1.")

    def complete(
        self,
        messages: Conversation,
        *,
        temperature: float = 0.7,
        seed: int = 0,
        max_tokens: int = 1024,
    ) -> str:
        """The model's answer; it may be empty."""
        (answer,) = self.complete_many(
            [messages], temperature=temperature, seed=seed, max_tokens=max_tokens
        )
        return answer

    def complete_many(
        self,
        conversations: Sequence[Conversation],
        *,
        temperature: float = 0.7,
        seed: int = 0,
        max_tokens: int = 1024,
        concurrency: int = 8,
    ) -> list[str]:
        """One answer per conversation, in order; the first failure ends all."""
        wanted = {"temperature": temperature, "seed": seed % SEEDS, "max_tokens": max_tokens}
        bodies: list[dict[str, object]] = [
            {"model": self.model, "messages": [asdict(message) for message in messages], **wanted}
            for messages in conversations
        ]
        return asyncio.run(self._all(bodies, concurrency))

    async def _all(self, bodies: Sequence[dict[str, object]], concurrency: int) -> list[str]:
        import aiohttp

        gate = asyncio.Semaphore(concurrency)
        headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}

        async def one(body: dict[str, object]) -> str:
            async with gate:
                return await self._answer(session, body)

        # The deadline of an answer is kept by us: it holds over all attempts.
        patient = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(headers=headers, timeout=patient) as session:
            try:
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(one(body)) for body in bodies]
            except ExceptionGroup as failed:
                raise failed.exceptions[0] from None
        return [task.result() for task in tasks]

    async def _answer(self, session: "ClientSession", body: dict[str, object]) -> str:
        end, pauses = monotonic() + self.timeout, iter(PAUSES)
        try:
            async with asyncio.timeout(self.timeout):
                while True:
                    try:
                        return await self._try(session, body)
                    except _Passing as failure:
                        pause = max(failure.pause, next(pauses, inf))
                        if monotonic() + pause >= end:
                            raise EngineError(f"{self._who} does not answer: {failure}.") from None
                    await asyncio.sleep(pause)
        except TimeoutError:
            raise EngineError(
                f"{self._who} did not answer within {self.timeout:g} seconds."
            ) from None

    async def _try(self, session: "ClientSession", body: dict[str, object]) -> str:
        import aiohttp

        url = f"{self.base_url.rstrip('/')}/chat/completions"
        try:
            async with session.post(url, json=body) as response:
                text = await response.text(errors="replace")
        except aiohttp.ClientConnectorError as error:
            raise NotReady(
                f"No language model answers at {self._where} ({_reason(error.os_error)})."
                " Start one, e.g. `ollama serve`, or set OPENAI_BASE_URL."
            ) from None
        except aiohttp.ClientError as error:
            raise _Passing(f"the connection broke ({type(error).__name__})") from None
        if response.status != 200:
            raise self._failure(response.status, text, response.headers.get("Retry-After", ""))
        return self._content(text)

    def _failure(self, status: int, text: str, retry_after: str) -> Exception:
        said = self._said(text)
        if status in PASSING:
            pause = _seconds(retry_after)
            wish = f", and asks to wait {pause:.0f} seconds" if pause >= 1 else ""
            return _Passing(f"HTTP {status}, {said}{wish}", pause)
        if status in {401, 403}:
            return NotReady(f"{self._who} refuses the key; set OPENAI_API_KEY. It says: {said}")
        if status == 404:
            return NotReady(
                f"{self._who} is not there (HTTP 404, {said}). Get the model, e.g."
                f" `ollama pull {self.model}`, or correct OPENAI_BASE_URL, which ends in /v1."
            )
        return EngineError(f"{self._who} answered HTTP {status}, {said}")

    def _said(self, text: str) -> str:
        """The server's own words, without the key, which some servers repeat."""
        try:
            error = json.loads(text)["error"]
            text = str(error["message"] if isinstance(error, dict) else error)
        except (ValueError, KeyError, TypeError, RecursionError):
            pass  # not an OpenAI error: show what came
        if self.api_key:
            text = text.replace(self.api_key, "***")
        return f"'{' '.join(text.split())[:SHOWN]}'"

    def _content(self, text: str) -> str:
        try:
            content = json.loads(text)["choices"][0]["message"]["content"]
        except (ValueError, RecursionError):
            raise EngineError(f"{self._who} answered no JSON: {self._said(text)}") from None
        except (KeyError, IndexError, TypeError):
            raise EngineError(f"{self._who} answered without a choice.") from None
        return str(content or "")  # null when it refuses or calls a tool

    @property
    def _who(self) -> str:
        return f"The language model '{self.model}' at {self._where}"

    @property
    def _where(self) -> str:
        """The URL without user name, password and query."""
        host = urlsplit(self.base_url)
        return f"{host.scheme}://{host.netloc.rpartition('@')[2]}{host.path}"


def _reason(error: OSError) -> str:
    refused = isinstance(error, ConnectionRefusedError)
    return "connection refused" if refused else error.strerror or str(error)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of the port, or of brackets
        return False


def _seconds(retry_after: str) -> float:
    """How long to wait: the header gives seconds or a date."""
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return 0.0
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())
