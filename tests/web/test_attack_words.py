"""What pages say of attacks and strategies is what the program says of them."""

import json
import re

from sutdol.arena.attack import ATTACKS
from sutdol.arena.strategy import GROUPS
from sutdol.web import assets

TEXT = r't\(("(?:[^"\\]|\\.)*")\)'


def said(name: str, before: str) -> dict[str, str]:
    """The English texts of a module, by the name that stands before each."""
    (module,) = assets.FOLDER.rglob(name)
    found = re.findall(before + TEXT, module.read_text(encoding="utf-8"))
    return {key: json.loads(text) for key, text in found}


def test_of_attacks_what_their_help_says() -> None:
    assert said("arena/attacks.js", r"\n  (\w+): ") == {
        one.name: one.doc for one in ATTACKS.values()
    }


def test_of_groups_what_their_help_says() -> None:
    assert said("arena/families.js", r"\n  (\w+): \{\s*name: [^{}]*? text: ") == dict(GROUPS)


def test_something_of_every_family() -> None:
    families = {one.family for one in ATTACKS.values()}
    assert set(said("arena/families.js", r"\n  (\w+): ")) == families
