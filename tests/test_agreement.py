"""Agreement against the published worked examples, and on annotators whose slips are known."""

import numpy as np
import pytest

from llama_course.evaluation.agreement import (
    SEVEN_POINTS,
    Agreement,
    fleiss_kappa,
    gwet_ac2,
    on_seven_points,
    weights,
)
from llama_course.llamaland.annotators import Annotator, Preference, Rating
from llamaland_helpers import village

_ = None  # did not rate
FOUR_RATERS = [  # the example of the R package irrCAC, with what it computes
    (1, 1, _, 1), (2, 2, 3, 2), (3, 3, 3, 3), (3, 3, 3, 3), (2, 2, 2, 2), (1, 2, 3, 4),
    (4, 4, 4, 4), (1, 1, 2, 1), (2, 2, 2, 2), (_, 5, 5, 5), (_, _, 1, 1), (_, _, 3, _),
]  # fmt: skip
TWO_RATERS = [  # Gwet, Handbook of Inter-Rater Reliability (2014), table 3.5; A, B, C are 0, 1, 2
    (0, _), (1, 2), (2, 2), (2, 2), (1, 1), (1, _), (0, 0), (0, 1), (1, 1), (1, 1), (_, 2),
]  # fmt: skip
ABSTRACTORS = [(a, b) for a, row in enumerate([(13, 0, 0), (0, 20, 7), (0, 4, 56)]) for b, n in enumerate(row)
               for _n in range(n)]  # fmt: skip


def test_ac1_of_four_raters_with_gaps():
    found = gwet_ac2(FOUR_RATERS, range(1, 6), "identity")
    assert (found.observed, found.by_chance) == pytest.approx((0.8181818, 0.1903212), abs=1e-7)
    assert found.beyond_chance == pytest.approx(0.77544, abs=5e-6)


def test_fleiss_kappa_of_four_raters_with_gaps():
    found = fleiss_kappa(FOUR_RATERS, range(1, 6))
    assert found.by_chance == pytest.approx(0.2387153, abs=1e-7)
    assert found.beyond_chance == pytest.approx(0.76117, abs=5e-6)


def test_ac2_with_quadratic_weights():
    found = gwet_ac2(TWO_RATERS, range(3), "quadratic")
    assert (found.observed, found.by_chance) == pytest.approx((0.9375, 0.6405), abs=5e-5)
    assert found.beyond_chance == pytest.approx(0.8261, abs=5e-5)


def test_kappa_with_quadratic_weights():
    found = fleiss_kappa(TWO_RATERS, range(3), "quadratic")
    assert (found.by_chance, found.beyond_chance) == pytest.approx((0.7314, 0.7673), abs=5e-5)


def test_two_raters_and_one_hundred_charts():
    assert gwet_ac2(ABSTRACTORS, range(3), "identity").beyond_chance == pytest.approx(0.8493305, abs=1e-6)
    assert fleiss_kappa(ABSTRACTORS, range(3)).beyond_chance == pytest.approx(0.7962397, abs=1e-6)


def test_weights_are_those_of_the_handbook():
    assert weights(3).tolist() == np.eye(3).tolist()
    assert weights(3, "linear").tolist() == [[1, 0.5, 0], [0.5, 1, 0.5], [0, 0.5, 1]]
    assert weights(3, "quadratic").tolist() == [[1, 0.75, 0], [0.75, 1, 0.75], [0, 0.75, 1]]


@pytest.mark.parametrize(("categories", "kind"), [(1, "linear"), (3, "cubic")])
def test_unknown_weights_are_refused(categories, kind):
    with pytest.raises(ValueError, match=r"two points or more|expected weights of"):
        weights(categories, kind)


def test_who_agrees_always_agrees_perfectly():
    ratings = [(n % 3, n % 3, n % 3) for n in range(12)]
    for measure in (gwet_ac2, fleiss_kappa):
        assert measure(ratings, range(3)).beyond_chance == pytest.approx(1)


def test_coins_agree_no_more_than_chance():
    ratings = np.random.default_rng(0).integers(4, size=(4_000, 3)).tolist()
    for kind in ("identity", "linear", "quadratic"):
        assert gwet_ac2(ratings, range(4), kind).beyond_chance == pytest.approx(0, abs=0.05)


def test_where_nearly_all_is_alike_kappa_vanishes_and_ac1_does_not():
    ratings = [(1, 1)] * 94 + [(0, 1)] * 3 + [(1, 0)] * 3
    assert fleiss_kappa(ratings, (0, 1)).beyond_chance < 0
    assert gwet_ac2(ratings, (0, 1), "identity").beyond_chance > 0.9


def test_where_everything_is_the_same_nothing_can_be_said():
    with pytest.raises(ValueError, match="nothing can be said"):
        fleiss_kappa([(1, 1)] * 5, (0, 1)).beyond_chance  # noqa: B018


@pytest.mark.parametrize("ratings", [[], [(1, None)], [(None, None)]])
def test_somebody_must_have_rated_twice(ratings):
    with pytest.raises(ValueError, match="that two people rated"):
        gwet_ac2(ratings, (0, 1))


@pytest.mark.parametrize("measure", [gwet_ac2, fleiss_kappa])
def test_what_nobody_rated_changes_nothing(measure):
    assert measure([*FOUR_RATERS, (_, _, _, _)], range(1, 6)) == measure(FOUR_RATERS, range(1, 6))


def test_a_rating_off_the_scale_is_refused():
    with pytest.raises(ValueError, match="7 is not on the scale 0, 1"):
        gwet_ac2([(0, 7)], (0, 1))


def test_a_choice_lies_on_one_of_seven_points():
    from llama_course.llamaland.questions import fact_questions

    question = fact_questions(village())[0]
    chosen_a = Preference(question, "a", "b", Rating.BETTER, False)
    assert on_seven_points(chosen_a, "a") == 2 and on_seven_points(chosen_a, "b") == -2
    for other in ("no idea", question.gold, "Certainly not."):
        choice = Annotator(0.3, 1).compare(question, question.gold, other)
        assert on_seven_points(choice, question.gold) in SEVEN_POINTS


def test_agreement_is_the_way_from_chance_to_one():
    assert Agreement(0.7, 0.4).beyond_chance == pytest.approx(0.5)
