"""The tests of OpenAI's own client against this server: all pass but those that are listed here.

A reason stands for every test that does not pass, and has to go once it does.
"""

import re
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from tests.clients.conftest import BIN, CLIENTS, AnyModel, ran
from tests.databases import on_sqlite

pytestmark = pytest.mark.xdist_group("openai-suite")

FILES = (
    "chat/test_completions.py",
    "test_models.py",
    "test_embeddings.py",
    "test_moderations.py",
    "test_files.py",
    "test_responses.py",
    "responses/test_input_items.py",
    "responses/test_input_tokens.py",
)
"""The others are about what is not offered at all, such as images and fine-tuning."""

NOT_PASSED = {
    r"chat/test_completions.py::{way}_(list|retrieve|update|delete)": (
        "Chats that are kept are read at /api/v1/conversations, and not here."
    ),
    r"test_models.py::{way}_delete": "Models belong to the servers behind the gateway.",
    r"test_embeddings.py::{way}_create\[(strict|aiohttp)\]": (
        "The client asks for base64 by itself, and where it is strict refuses to get it."
    ),
    r"test_files.py::{way}_(retrieve|retrieve_content|delete)\[": (
        "Asks for a file that is not there, and is answered 404."
    ),
    r"test_files.py::{way}_list_with_all_params\[": "Asks for a page of 0 files: 1 is the least.",
    r"test_files.py::{way}_content\[aiohttp\]": "Skipped by the suite: it asks no server.",
    r"test_responses.py::{way}_create_overload": "Asks for an answer without a model and an input.",
    r"test_responses.py::{way}_create_with_all_params": (
        "Goes on from an earlier response, in the background: none is kept."
    ),
    r"test_responses.py::{way}_(retrieve|delete|cancel)": "No response is kept.",
    r"test_responses.py::{way}_compact": "Not offered.",
    r"responses/test_input_items.py::{way}_list": "No response is kept.",
    r"responses/test_input_tokens.py::{way}_count": "Not offered.",
}
"""How the name of a test begins, and why it does not pass; `{way}` is each way of asking."""

WAY = r"\w+::test_(method|raw_response|streaming_response)"


@on_sqlite
def test_the_tests_of_openais_client_pass(any_model: AnyModel, tmp_path: Path) -> None:
    outcomes = _outcomes(any_model().url, tmp_path)
    passed = Counter(one.partition("::")[0] for one, why in outcomes.items() if why is None)
    for file in FILES:
        of_file = [one for one in outcomes if one.startswith(f"{file}::")]
        print(f"{file}: {passed[file]} of {len(of_file)} passed")
        assert of_file, f"{file} ran no tests"

    failed = {one: why for one, why in outcomes.items() if why is not None}
    patterns = [re.compile(one.replace("{way}", WAY)) for one in NOT_PASSED]
    assert not [one for one in failed.items() if not any(known.match(one[0]) for known in patterns)]
    assert not [one.pattern for one in patterns if not any(map(one.match, failed))], "they pass now"


def _outcomes(url: str, folder: Path) -> dict[str, str | None]:
    """Why each test did not pass, or None where it did."""
    suite = next(CLIENTS.glob("openai-*/pyproject.toml")).parent
    found = folder / "found.xml"
    files = [f"tests/api_resources/{file}" for file in FILES]
    options = ("-o", "addopts=", "--tb=line", "-p", "no:cacheprovider", f"--junitxml={found}")
    told = ran(
        BIN / "python", "-m", "pytest", *options, *files, cwd=suite, TEST_API_BASE_URL=f"{url}/v1"
    )
    assert found.exists(), told.stdout[-3_000:]
    return {_name(one): _why(one) for one in Xml.parse(found).iter("testcase")}


def _name(case: Xml.Element) -> str:
    module, _, group = case.attrib["classname"].rpartition(".")
    file = module.removeprefix("tests.api_resources.").replace(".", "/") + ".py"
    return f"{file}::{group}::{case.attrib['name']}"


def _why(case: Xml.Element) -> str | None:
    for kind in ("failure", "error", "skipped"):
        found = case.find(kind)
        if found is not None:
            return f"{kind}: {found.get('message', '')}"[:300]
    return None
