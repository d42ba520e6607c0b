"""How the model servers are, as far as it is the caller's business."""

from collections.abc import Callable

from tests.api.conftest import Serve
from tests.api.site import Site

from sutdol.models.fake import FakeServer

PATH = "/api/v1/upstreams"


def test_a_key_sees_its_own_models_alone(
    serve: Serve, upstream: FakeServer, new_key: Callable[..., str]
) -> None:
    mine = {"name": "mine", "url": upstream.url, "models": ["fake", "other"]}
    site = serve(auth=True, upstreams=[mine])

    def seen(site: Site, *models: str) -> list[str]:
        (told,) = site.get(PATH, key=new_key("kim", "user", models=models)).json["data"]
        assert (told["name"], told["state"]) == ("mine", "ok")
        return sorted(told["models"])

    assert seen(site) == ["fake", "other"]
    assert seen(site, "fake*") == ["fake"]
    assert seen(site, "gpt-*") == []
