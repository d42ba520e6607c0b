"""The upstreams that the settings name."""

from sutdol.chat.pool import Member
from sutdol.chat.routing import Served
from sutdol.core.errors import UsageError
from sutdol.core.sections import Upstream
from sutdol.core.settings import Settings
from sutdol.models.upstream import Line

RUNPOD = "https://api.runpod.ai/v2/{}/openai/v1"


def members(settings: Settings) -> list[Member]:
    """The upstreams of the settings, those with conventional names after the others."""
    named = list(settings.upstreams)
    key = settings.openai_api_key
    if settings.openai_base_url:
        named.append(Upstream(name="openai", url=settings.openai_base_url, key=key))
    elif key is not None:
        named.append(Upstream(name="openai", url="https://api.openai.com/v1", key=key))
    if settings.vllm_base_url:
        named.append(Upstream(name="vllm", url=settings.vllm_base_url))
    if settings.runpod_endpoint_id and settings.runpod_api_key:
        url = RUNPOD.format(settings.runpod_endpoint_id)
        named.append(Upstream(name="runpod", url=url, key=settings.runpod_api_key))
    for one in named:
        if [each.name for each in named].count(one.name) > 1:
            raise UsageError(
                f"Two upstreams are called {one.name}, one of them by OPENAI_BASE_URL or the like:"
                " give the one in `upstreams` another name."
            )
    return [_member(one) for one in named]


def _member(one: Upstream) -> Member:
    return Member(
        line=Line.to(one.name, one.url, one.key.get_secret_value() if one.key else ""),
        served=Served(upstream=one.name, patterns=one.models, rename=one.rename),
        prices=one.prices,
        counts=one.usage,
    )
