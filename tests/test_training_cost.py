"""What training takes: the rule 6·N·D, ranges, and the published runs inside them."""

import pytest

from llama_course.policy.training_cost import Range, as_range, training_cost, training_flop
from llama_course.policy.training_runs import runs


def test_six_operations_for_each_parameter_and_token():
    assert training_flop(7e9, 2e12) == 8.4e22
    assert f"{training_flop(68_976_648_192, 2e12):.1e}" == "8.3e+23"


@pytest.mark.parametrize("name", [name for name, row in runs().items() if row.accelerator == "A100"])
def test_published_runs_lie_within_their_estimates(name):
    row = runs()[name]
    cost = training_cost(row.parameters, row.tokens)
    assert cost.gpu_hours.low * 0.999 <= row.gpu_hours <= cost.gpu_hours.high * 1.001
    if row.energy_kwh:
        assert row.energy_kwh in cost.energy_kwh
    if row.carbon_t:
        assert row.carbon_t in cost.carbon_t


def test_a_worked_example_by_hand():
    cost = training_cost(1e9, 1e10, peak_flop_per_s=1e14, utilisation=0.5, dollars_per_gpu_hour=(1, 2), power_w=500,
                         carbon_kg_per_kwh=0.4)  # fmt: skip
    hours = 6e19 / 5e13 / 3600  # one third of an hour short of 334
    assert cost.flop == 6e19
    assert (cost.gpu_hours.low, cost.gpu_hours.high) == pytest.approx((hours, hours))
    assert (cost.cost_dollars.low, cost.cost_dollars.high) == pytest.approx((hours, 2 * hours))
    assert cost.energy_kwh.low == pytest.approx(hours / 2)
    assert cost.carbon_t.high == pytest.approx(hours / 2 * 0.4 / 1000)
    assert "333 to 667 dollars" in str(cost)


def test_a_better_use_of_the_cards_takes_fewer_hours():
    worse, better = (training_cost(1e9, 1e10, utilisation=share).gpu_hours for share in (0.2, 0.4))
    assert worse.low == pytest.approx(2 * better.low)
    both = training_cost(1e9, 1e10, utilisation=(0.2, 0.4)).gpu_hours
    assert (both.low, both.high) == (better.low, worse.high)


@pytest.mark.parametrize(
    "settings",
    [{"utilisation": 1.2}, {"utilisation": 0}, {"power_w": -1}, {"dollars_per_gpu_hour": (2, 1)}, {"tokens": 0}],
)
def test_impossible_numbers_are_refused(settings):
    with pytest.raises(ValueError):
        training_cost(**{"parameters": 1e9, "tokens": 1e10, **settings})


def test_ranges():
    assert as_range(3) == Range(3, 3) and as_range((1, 2)) == Range(1, 2)
    assert Range(1, 2) * Range(3, 4) == Range(3, 8) and 2 * Range(1, 2) == Range(2, 4)
    assert 12 / Range(2, 4) == Range(3, 6)
    assert 2 in Range(1, 2) and 2.1 not in Range(1, 2)
    assert f"{Range(1000, 2000):,.0f}" == "1,000 to 2,000" and f"{Range(1, 1):.0f}" == "1"
