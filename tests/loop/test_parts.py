"""Parts: what a text may be used for, fixed for ever by the hash of its group."""

from collections import Counter

import pytest

from sutdol.loop.parts import PANEL, SHARES, on_panel, part_of


def test_a_hundred_thousand_groups_fall_into_parts_by_their_shares() -> None:
    count = Counter(part_of("guard", f"group {index}") for index in range(100_000))
    assert sum(SHARES.values()) == pytest.approx(1.0)
    for part, share in SHARES.items():
        assert count[part] / 100_000 == pytest.approx(share, abs=0.005)  # three standard errors


@pytest.mark.parametrize(
    ("group", "part"),
    [("hello", "hold_out"), ("안녕하세요", "dev"), ("", "train"), ("\ud800", "train")],
)
def test_a_group_has_the_same_part_on_every_machine_and_in_every_release(
    group: str, part: str
) -> None:
    assert part_of("guard", group) == part


def test_two_roles_split_the_same_groups_independently() -> None:
    groups = [f"group {index}" for index in range(5_000)]
    held = [group for group in groups if part_of("guard", group) == "hold_out"]
    both = sum(part_of("retriever", group) == "hold_out" for group in held)
    assert both / len(held) == pytest.approx(SHARES["hold_out"], abs=0.05)


def test_two_fifths_of_the_dev_texts_are_the_panel() -> None:
    groups = [f"group {index}" for index in range(20_000)]
    dev = [group for group in groups if part_of("guard", group) == "dev"]
    assert sum(on_panel("guard", group) for group in dev) / len(dev) == pytest.approx(
        PANEL, abs=0.03
    )
