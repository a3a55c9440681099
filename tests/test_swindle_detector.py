"""The detector of swindles: it learns words, counts its mistakes, and the sum of its flags is Bayes'."""

import math

import pytest

from llama_course.llamaland.dialogues import KNOWN_SWINDLES, Dialogue, dialogues
from llama_course.llamaland.world import World
from llama_course.safety.swindle_detector import SwindleDetector, right_when_it_flags, words_of

WORLD = World()
TALKS = [
    Dialogue("Caller: buttons now\nVillager: garden", True, "prize"),
    Dialogue("Caller: tea now\nVillager: buttons", False, "errand"),
]


def test_only_the_callers_words_count_and_each_once():
    assert words_of("Caller: Now, now!\nVillager: buttons\nCaller: Tea?") == {"now", "tea"}


def test_words_speak_as_they_were_met():
    detector = SwindleDetector(TALKS)
    assert detector.weight("buttons") == pytest.approx(math.log(2)) and detector.weight("tea") < 0
    assert detector.weight("now") == detector.weight("garden") == 0
    assert detector.score("Caller: buttons tea") == pytest.approx(0)
    with pytest.raises(ValueError, match="one kind only"):
        SwindleDetector(TALKS[:1])


@pytest.mark.parametrize("seed", range(3))
def test_it_finds_what_it_knows_and_not_what_is_new(seed):
    detector = SwindleDetector(dialogues(WORLD, 300, kinds=KNOWN_SWINDLES, seed=seed))
    known = detector.errors(dialogues(WORLD, 400, kinds=KNOWN_SWINDLES, seed=seed + 10))
    new = detector.errors(dialogues(WORLD, 400, kinds=("patience",), seed=seed + 20))
    assert known.hit_rate.value > 0.9 and 0 < known.false_alarm_rate.value < 0.12
    assert new.hit_rate.value < 0.3
    assert right_when_it_flags(0.01, known.hit_rate.value, known.false_alarm_rate.value) < 0.5


def test_a_higher_threshold_flags_fewer_of_both():
    detector = SwindleDetector(dialogues(WORLD, 200, seed=1))
    talks = dialogues(WORLD, 200, seed=2)
    low, high = detector.errors(talks, 0), detector.errors(talks, 3)
    assert high.caught <= low.caught and high.false_alarms <= low.false_alarms
    with pytest.raises(ValueError, match="one kind only"):
        detector.errors(talks[:0])


def test_flags_are_right_as_bayes_says():
    assert right_when_it_flags(0.1, 0.26, 0.09) == pytest.approx(0.026 / (0.026 + 0.081))
    assert right_when_it_flags(0.5, 0.9, 0.9) == 0.5 and right_when_it_flags(0.01, 0.5, 0) == 1
    for wrong in ((1.2, 0.5, 0.5), (0, 0.5, 0)):
        with pytest.raises(ValueError):
            right_when_it_flags(*wrong)
