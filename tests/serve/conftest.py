"""The homes, keys and fake upstreams of the REST tests, for tests of whole server processes."""

from tests.api.conftest import guarded, home, new_key, offence, serve, upstream  # noqa: F401
