"""Published runs and prices: the sums as published, the missing row of the card."""

import pytest

from llama_course.models.llama import LLAMA_2_7B, LLAMA_2_13B, LLAMA_2_70B, count_parameters
from llama_course.policy.claims import evidence
from llama_course.policy.training_runs import (
    card_rows,
    figure,
    run,
    runs,
)


@pytest.mark.parametrize(
    ("run_id", "config"),
    [("llama-2-7b", LLAMA_2_7B), ("llama-2-13b", LLAMA_2_13B), ("llama-2-70b", LLAMA_2_70B)],
)
def test_parameters_are_those_of_the_architecture(run_id, config):
    assert run(run_id).parameters == count_parameters(config)


def test_the_cards_rows_do_not_add_up_and_the_papers_row_fills_the_gap():
    hours = figure("card-hours").value - sum(row.gpu_hours for row in card_rows())
    carbon_t = figure("card-carbon").value - sum(row.carbon_t for row in card_rows())
    withheld = run("llama-2-34b")
    assert len(card_rows()) == 3 and withheld not in card_rows()
    assert hours == withheld.gpu_hours == 1_038_336
    assert carbon_t == pytest.approx(withheld.carbon_t, abs=0.03)  # the total is rounded
    per_kwh = sum(row.carbon_t for row in card_rows()) / sum(row.energy_kwh for row in card_rows())
    assert 1000 * carbon_t / (hours * per_kwh) == pytest.approx(withheld.power_w, abs=0.5)


def test_the_missing_model_is_weighed_by_its_energy_and_misjudged_by_its_hours():
    withheld = run("llama-2-34b")
    by_hours = [withheld.gpu_hours / (row.gpu_hours / row.parameters) for row in card_rows()]
    by_energy = [withheld.energy_kwh / (row.energy_kwh / row.parameters) for row in card_rows()]
    assert min(by_energy) < withheld.parameters < max(by_energy)
    assert withheld.parameters < min(by_hours)


def test_the_rows_agree_with_the_evidence_of_the_articles():
    assert f"{figure('card-hours').value:,}" in evidence("paper-hours").plain
    plain = evidence("paper-data-size").plain
    for name in ("llama-2-tokens", "llama-1-tokens-large", "llama-1-tokens-small"):
        assert f"{figure(name).value / 1e12:.1f} trillion" in plain


def test_worked_out_figures_follow_from_what_they_are_worked_out_from():
    mpt_hours = 440 * 24 * 9.5
    assert run("mpt-7b").gpu_hours == mpt_hours
    assert figure("rent-low").value == pytest.approx(figure("mpt-cost").value / mpt_hours, abs=0.005)
    assert figure("rent-high").value == pytest.approx(32.77 / 8, abs=0.005)
    assert figure("llama-1-all-runs").value == 82_432 + 135_168 + 530_432 + 1_022_362
    assert figure("llama-1-development").value == 2048 * 5 * 30 * 24
    assert run("llama-1-65b").gpu_hours == 1_022_362


def test_energy_and_utilisation():
    assert run("llama-2-70b").energy_kwh == 688_128
    assert run("mpt-7b").energy_kwh is None
    assert run("llama-2-7b").utilisation == pytest.approx(0.39, abs=0.005)
    assert all(0.3 < row.utilisation < 0.5 for row in runs().values())


def test_an_unknown_run_is_explained():
    with pytest.raises(ValueError, match="there is no run 'x'; there are llama-2-7b, "):
        run("x")
