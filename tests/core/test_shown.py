"""Settings as they may be shown: all of them, what differs, and nothing secret."""

from pathlib import Path

import pytest
from tests.core.test_settings import folder

from sutdol.core.settings import Settings, _names
from sutdol.core.shown import Shown, shown

__all__ = ["folder"]


def by_name(**flags: object) -> dict[str, Shown]:
    return {one.name: one for one in shown(Settings.load(**flags))}


def test_every_setting_is_there_with_its_meaning_and_its_variables() -> None:
    found = by_name()
    groups = {name.partition(".")[0] for name in found if "." in name}

    assert set(found) == set(_names(Settings)) - groups
    assert all(one.about for one in found.values())
    assert found["redis_url"].environment == ("SUTDOL_REDIS_URL", "REDIS_URL")
    assert found["gateway.first"].environment == ("SUTDOL_GATEWAY__FIRST",)


def test_only_what_differs_is_changed(folder: Path) -> None:
    assert [one.name for one in by_name().values() if one.changed] == []

    found = by_name(gateway={"idle": 9}, battle={"texts": 150}, home=folder / "else")
    assert [name for name, one in found.items() if one.changed] == ["home", "gateway.idle"]
    assert (found["gateway.idle"].value, found["gateway.idle"].default) == (9.0, 120.0)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("openai_api_key", "s3cret", "set"),
        ("hf_token", "s3cret", "set"),
        ("runpod_api_key", "s3cret", "set"),
        ("database_url", "postgresql://u:s3cret@db/x?password=s3cret", "postgresql+psycopg://db/x"),
        ("redis_url", "redis://:s3cret@cache:1/0", "redis://cache:1/0"),
        ("redis_url", "redis://:s3/cret@cache", "set"),
        ("openai_base_url", "http://u:s3cret@llm/v1?key=s3cret", "http://llm/v1"),
        ("vllm_base_url", "http://s3cret@vllm/v1", "http://vllm/v1"),
        ("mlflow_tracking_uri", "https://u:s3cret@flow", "https://flow"),
        ("otel_endpoint", "http://u:s3cret@traces/v1?token=s3cret", "http://traces/v1"),
    ],
)
def test_a_secret_is_set_or_not_and_an_address_lacks_it(name: str, value: str, told: str) -> None:
    before, after = by_name()[name], by_name(**{name: value})[name]

    assert after.value == told
    assert after.changed
    assert before.value is None or name == "database_url"
    assert "s3cret" not in repr(by_name(**{name: value}))
    assert "cret" not in repr(by_name(**{name: value})[name].value)


def test_no_setting_that_may_hold_a_secret_is_told_as_it_is() -> None:
    """A new one that is called so must be a SecretStr, or an address with repr=False."""
    words = ("key", "token", "secret", "password", "url", "uri", "endpoint")
    suspects = [
        one for one in by_name().values() if one.name.replace(".", "_").rpartition("_")[2] in words
    ]
    assert len(suspects) > 5
    assert [one.name for one in suspects if one.kind == "plain"] == []


def test_upstreams_are_told_without_their_keys() -> None:
    mine = {"name": "mine", "url": "http://u:s3cret@llm/v1", "key": "s3cret", "models": ["gpt-*"]}
    told = by_name(upstreams=[mine])["upstreams"].value

    assert isinstance(told, list)
    (one,) = told
    assert isinstance(one, dict)
    assert (one["name"], one["url"], one["key"], one["models"]) == (
        "mine",
        "http://llm/v1",
        "set",
        ["gpt-*"],
    )
