"""Published runs and prices: every row sourced, the sums as published, the missing row of the card."""

import json

import pytest

from llama_course import paths
from llama_course.models.llama import LLAMA_2_7B, LLAMA_2_13B, LLAMA_2_70B, count_parameters
from llama_course.policy.claims import evidence
from llama_course.policy.training_runs import (
    TrainingDataError,
    card_rows,
    figure,
    read,
    run,
    runs,
    statement,
)

FILE = paths.data_file("policy/training_runs.json")


def test_every_row_names_its_source_and_no_number_is_from_memory():
    data = read(FILE)
    rows = [*data.runs.values(), *data.figures.values(), *data.statements.values()]
    assert len(rows) >= 20
    for row in rows:
        assert row.source.document.url.startswith("https://") and row.source.document.date, row.id
        assert row.source.section and row.source.confidence in "PSC", row.id
        assert row.source.document.name in str(row.source)


def test_all_documents_are_used():
    data = read(FILE)
    rows = [*data.runs.values(), *data.figures.values(), *data.statements.values()]
    assert {row.source.document.id for row in rows} == set(json.loads(FILE.read_text(encoding="utf-8"))["documents"])


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


def test_an_unknown_name_is_explained():
    for ask in (run, figure, statement):
        with pytest.raises(ValueError, match=r"there is no .* 'x'; there are"):
            ask("x")


PLANTED = {
    "memory": (lambda d: d["figures"][0].update(confidence="M"), "card-hours: a number from memory is no row"),
    "mark": (lambda d: d["figures"][0].update(confidence="Q"), "card-hours: confidence is one of"),
    "second hand": (lambda d: d["figures"][0].update(document="aws"), "card-hours: marked P or C"),
    "negative": (lambda d: d["runs"][0].update(gpu_hours=-1), "llama-2-7b: numbers are above 0"),
    "card": (lambda d: d["runs"][0].update(accelerator="B7"), "llama-2-7b: accelerator is one of"),
    "no document": (lambda d: d["runs"][0].update(document="x"), "llama-2-7b: 'x'"),
    "missing": (lambda d: d["runs"][0].pop("tokens"), "llama-2-7b: .*tokens"),
    "long": (lambda d: d["statements"][0].update(quote="so " * 26), "saturation: at most 25 words"),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_malformed_row_is_named(tmp_path, fault):
    spoil, message = PLANTED[fault]
    data = json.loads(FILE.read_text(encoding="utf-8"))
    spoil(data)
    (tmp_path / "rows.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(TrainingDataError, match=message):
        read(tmp_path / "rows.json")


def test_a_file_that_is_no_json_is_named(tmp_path):
    (tmp_path / "rows.json").write_text("{", encoding="utf-8")
    with pytest.raises(TrainingDataError, match=r"rows\.json: not JSON"):
        read(tmp_path / "rows.json")
