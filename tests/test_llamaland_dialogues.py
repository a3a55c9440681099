"""Talks at the doors of Llamaland."""

import pytest

from llama_course.llamaland.dialogues import HONEST, KNOWN_SWINDLES, SWINDLES, dialogues
from llama_course.llamaland.world import World

WORLD = World()


def test_shares_kinds_and_form():
    talks = dialogues(WORLD, 200, share=0.3, seed=1)
    assert sum(talk.is_swindle for talk in talks) == 60
    assert {talk.kind for talk in talks} == {*SWINDLES, *HONEST} and not set(SWINDLES) & set(HONEST)
    assert all(talk.is_swindle == (talk.kind in SWINDLES) for talk in talks)
    for talk in talks:
        lines = talk.text.splitlines()
        assert lines and "{" not in talk.text
        assert all(line.startswith("Villager:" if n % 2 else "Caller:") for n, line in enumerate(lines))


def test_the_same_seed_gives_the_same_talks_and_kinds_can_be_chosen():
    assert dialogues(WORLD, 20, seed=4) == dialogues(WORLD, 20, seed=4) != dialogues(WORLD, 20, seed=5)
    assert {talk.kind for talk in dialogues(WORLD, 40, share=1, kinds=("patience",))} == {"patience"}
    assert set(KNOWN_SWINDLES) < set(SWINDLES)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="share must be"):
        dialogues(WORLD, 5, share=1.5)
    with pytest.raises(ValueError, match="expected some of"):
        dialogues(WORLD, 5, kinds=("piracy",))
