"""A program written for OpenAI's client, run against this server: tests/clients/script.py."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.api.conftest import Serve
from tests.api.site import Site
from tests.clients.conftest import BIN, AnyModel, ran
from tests.databases import on_sqlite

from sutdol.models.fake import FakeServer, Fault

pytestmark = [on_sqlite, pytest.mark.xdist_group("openai-client")]

SCRIPT = Path(__file__).with_name("script.py")
OPENER = "all is well today. " * 20

Play = Callable[..., None]


@pytest.fixture
def play(offence: str, tmp_path: Path) -> Play:
    """`play(site, "stream", key=key)` runs scenes of the program to their end."""

    def run(site: Site, *scenes: str, key: str = "any key") -> None:
        told = ran(
            BIN / "python", SCRIPT, site.url, offence, *scenes, cwd=tmp_path, OPENAI_API_KEY=key
        )
        assert told.returncode == 0, told.stdout[-3_000:]
        assert told.stdout.split() == " ".join(f"passed {one}" for one in scenes).split()

    return run


def test_a_program_chats(any_model: AnyModel, play: Play) -> None:
    scenes = ("whole", "stream", "usage_of_a_stream", "stream_helper", "parse")
    play(any_model(), *scenes, "tools", "tools_of_a_stream")


def test_a_program_asks_many_things_at_once(any_model: AnyModel, play: Play) -> None:
    play(any_model(gateway={"guard_input": False}), "asynchronous")


def test_a_program_asks_for_responses(any_model: AnyModel, play: Play) -> None:
    scenes = ("responses", "responses_stream", "responses_parse", "responses_tools")
    play(any_model(), *scenes, "conversations")


def test_a_program_asks_for_all_else(any_model: AnyModel, play: Play) -> None:
    play(any_model(), "moderations", "embeddings", "models", "files")


def test_a_program_is_refused(
    serve: Serve, upstream: FakeServer, new_key: Callable[..., str], play: Play
) -> None:
    site = serve(auth=True, openai_base_url=upstream.url)

    play(site, "wrong_key", "wrong_names", "not_allowed", "blocked_input", key=new_key())
    play(site, "too_often", key=new_key("lee", rpm=60))


def test_a_program_hears_that_a_stream_broke_off(serve: Serve, play: Play) -> None:
    with FakeServer(faults=[Fault(closed=True, after=2)]) as upstream:
        play(serve(openai_base_url=upstream.url), "broken_stream")


@pytest.mark.parametrize(
    ("blocked", "scenes"),
    [("error", ["guarded_error"]), ("refusal", ["guarded_refusal", "guarded_responses"])],
)
def test_a_program_is_kept_from_what_a_model_says(
    serve: Serve, offence: str, play: Play, blocked: str, scenes: list[str]
) -> None:
    says = f"{OPENER}{offence} and {'more. ' * 60}"
    with FakeServer(reply=lambda _: says, pace=0.001) as bad:
        guarded = {"guard_output": True, "blocked": blocked, "hold_back": 100}
        play(serve(openai_base_url=bad.url, gateway=guarded), *scenes)
