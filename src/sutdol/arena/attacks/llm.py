"""Rewritten by a language model; `sutdol.arena.llm` does so once an endpoint is set."""

from random import Random

from sutdol.arena.attack import attack
from sutdol.core.errors import NotReady

NO_ENDPOINT = (
    "LLM attacks need a language model: set OPENAI_BASE_URL,"
    " e.g. http://127.0.0.1:11434/v1 for Ollama."
)


@attack("llm_paraphrase", family="llm", group="llm_generated", scope="message")
def llm_paraphrase(text: str, random: Random) -> str:
    """A language model says the message in other words."""
    raise NotReady(NO_ENDPOINT)


@attack("llm_euphemism", family="llm", group="llm_generated", scope="message")
def llm_euphemism(text: str, random: Random) -> str:
    """A language model replaces blunt words by hints, slang and irony."""
    raise NotReady(NO_ENDPOINT)


@attack("llm_roundtrip", family="llm", group="llm_generated", scope="message")
def llm_roundtrip(text: str, random: Random) -> str:
    """A language model translates the message into another language and back."""
    raise NotReady(NO_ENDPOINT)
