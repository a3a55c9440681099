"""Published rows: every one sourced, every document used, what is malformed is named."""

import importlib
import json
import pkgutil
import re

import pytest

from llama_course import policy
from llama_course.policy import training_runs
from llama_course.policy.published import PublishedDataError, PublishedRows

NAMES = [found.name for found in pkgutil.iter_modules(policy.__path__)]
MODULES = [importlib.import_module(f"llama_course.policy.{name}") for name in NAMES]
FILES = {module.ROWS.path.stem: module.ROWS for module in MODULES if hasattr(module, "ROWS")}
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


@pytest.fixture(params=FILES)
def rows(request) -> PublishedRows:
    """The rows of each file in turn."""
    return FILES[request.param]


def all_of(rows: PublishedRows) -> list:
    return [row for kind in rows.rows.values() for row in kind.values()]


def test_the_files_are_found():
    assert {"training_runs", "tuning", "preferences"} <= set(FILES)


def test_every_row_names_its_source_and_no_number_is_from_memory(rows):
    assert len(all_of(rows)) >= 10
    for row in all_of(rows):
        source = row.source
        assert source.section and source.document.date and source.confidence in "PSC", row.id
        assert (source.document.url or "").startswith("http") or source.document.kind == "secondary", row.id
        assert source.document.name in str(source)


def test_all_documents_are_used_by_rows_of_whatever_kind(rows):
    used = re.findall(r'"document": "([^"]+)"', rows.path.read_text(encoding="utf-8"))
    assert set(used) == set(rows.documents)


def test_an_unknown_name_is_explained(rows):
    with pytest.raises(ValueError, match="there is no figure 'x'; there are " + next(iter(rows.figures()))):
        rows.figure("x")
    with pytest.raises(ValueError, match="there is no statement 'x'; there are " + next(iter(rows.statements()))):
        rows.statement("x")


@pytest.mark.parametrize("fault", PLANTED)
def test_a_malformed_row_is_named(tmp_path, fault):
    spoil, message = PLANTED[fault]
    data = json.loads(training_runs.ROWS.path.read_text(encoding="utf-8"))
    spoil(data)
    (tmp_path / "rows.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(PublishedDataError, match=rf"rows\.json, {message}"):
        all_of(PublishedRows(tmp_path / "rows.json", runs=training_runs.TrainingRun))


def test_a_file_that_is_no_json_is_named(tmp_path):
    (tmp_path / "rows.json").write_text("{", encoding="utf-8")
    with pytest.raises(PublishedDataError, match=r"rows\.json: not JSON"):
        PublishedRows(tmp_path / "rows.json").figures()
