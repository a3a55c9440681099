"""What teaching/deploy says about class servers is true: its lessons, commands, settings, messages and figures."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from llama_course import cli
from llama_course.models.catalog import CATALOG
from llama_course.models.class_server import PORT, SLOTS, Plan
from llama_course.models.server_address import KEY_VARIABLE, SERVER_VARIABLE
from llama_course.models.server_backend import LESSONS_WITH_PROBABILITIES
from llama_course.models.server_connection import Patience
from test_benchmarks import ROOT, benchmark

DEPLOY = ROOT / "teaching" / "deploy"
PAGE = (DEPLOY / "class_server.md").read_text(encoding="utf-8")
BENCHMARK_README = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")


def lessons_table() -> dict[str, list[str]]:
    """Lesson to the other cells of its row."""
    text = PAGE.split("<!-- lessons:")[1].split("<!-- end of lessons -->")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")
    ]
    return {lesson: cells for lesson, *cells in rows if lesson.isdigit()}


def code_of(path: Path) -> str:
    """The code of a master, without its text."""
    return "\n".join(line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))


def masters() -> dict[str, str]:
    """Lesson to the code of its lesson and its exercises."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "authoring").glob("*/[0-9][0-9]_*.py")):
        found[path.name[:2]] = found.get(path.name[:2], "") + code_of(path)
    return found


def test_the_table_has_the_lessons_that_ask_load_model():
    asking = {lesson for lesson, code in masters().items() if re.search(r"\bload_model\(\)", code)}
    assert set(lessons_table()) == asking


def test_the_lessons_that_need_probabilities_are_those_that_the_error_names():
    needed = r"\.(log_probabilities|next_token_probabilities|tokenize)\(|ending_probability\("
    asking = {lesson for lesson, code in masters().items() if lesson in lessons_table() and re.search(needed, code)}
    assert asking == set(LESSONS_WITH_PROBABILITIES)
    assert {lesson for lesson, cells in lessons_table().items() if cells[3] == "no"} == asking


def test_the_configuration_for_vllm_is_of_the_catalog_s_model():
    settings = yaml.safe_load((DEPLOY / "vllm.yaml").read_text(encoding="utf-8"))
    card = CATALOG[settings["served-model-name"]]
    assert (settings["model"], settings["revision"]) == (card.source.repository, card.source.revision)
    assert settings["max-model-len"] <= card.max_context_tokens
    assert settings["host"] == "127.0.0.1", "vLLM's key does not lock everything: others come through the proxy"
    assert f"proxy_pass http://127.0.0.1:{settings['port']};" in PAGE and "location / { return 404; }" in PAGE
    assert re.findall(r"location (/\w+/)", PAGE) == ["/v1/"] and "--host" not in PAGE.split("vllm serve")[1][:60]
    assert "trust-remote-code" not in settings and not any("key" in name for name in settings)
    for name in ("max-model-len", "max-num-seqs", "max-logprobs", "generation-config"):
        assert name in PAGE


def test_the_variables_and_defaults_on_the_page_are_the_library_s():
    assert SERVER_VARIABLE in PAGE and KEY_VARIABLE in PAGE and f":{PORT}/v1" in PAGE
    assert f"({SLOTS} unless you say otherwise)" in PAGE and f"{Plan().context_tokens:,} tokens of context" in PAGE
    assert Patience().first_token_s == 180 and "three minutes" in PAGE


def test_the_help_names_the_defaults(capsys):
    with pytest.raises(SystemExit):
        cli.main(["serve", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    plan = Plan()
    for default in (plan.host, plan.port, plan.learners, plan.slots, plan.context_tokens):
        assert f"default: {default}" in said


def test_the_page_names_every_setting_of_the_command(capsys):
    with pytest.raises(SystemExit):
        cli.main(["serve", "--help"])
    options = set(re.findall(r"--[a-z]+", capsys.readouterr().out)) - {"--help"}
    assert len(options) == 7 and all(f"`{option}" in PAGE or f"serve {option}" in PAGE for option in options)


def test_lesson_00_compares_sizes_where_a_server_tells_them_and_goes_on_where_not(capsys):
    cells = (ROOT / "authoring" / "lessons" / "00_welcome.py").read_text(encoding="utf-8").split("# %%")
    (cell,) = (cell for cell in cells if "times as many" in cell)
    card = SimpleNamespace(parameters=CATALOG["tiny-chat"].parameters)
    models = {
        "server:unknown": SimpleNamespace(card=SimpleNamespace(parameters=0)),
        "known": SimpleNamespace(card=card),
    }
    exec(cell, {"models": models})
    said = capsys.readouterr().out
    assert "as many parameters as known" in said and "unknown" not in said


def test_the_messages_in_the_page_s_table_are_messages_of_the_library():
    models = ROOT / "utils" / "llama_course" / "models"
    code = "".join(
        (models / name).read_text(encoding="utf-8") for name in ("server_connection.py", "server_backend.py")
    )
    rows = PAGE.split("## When something goes wrong")[1].splitlines()
    quoted = [part for row in rows if row.startswith('| "') for part in re.findall(r'"([^"]+)"', row.split("|")[1])]
    assert len(quoted) >= 10
    for part in quoted:
        for words in re.split(r" …\.? ?|\. ", part):
            assert words.removesuffix(" (429)") in " ".join(code.split()), words


def test_the_table_of_thirty_learners_is_what_was_recorded():
    recorded = benchmark("class_server")
    data = json.loads(recorded.RESULTS.read_text(encoding="utf-8"))
    assert recorded.table(data) in BENCHMARK_README, "run: python benchmarks/class_server.py --write"
    for row in data["rows"]:
        assert (row["lost"], row["mixed"], row["as_alone"]) == (0, 0, row["learners"]), "the page says so"
    fastest = max(data["rows"], key=lambda row: row["tokens_per_second"])
    assert fastest["slots"] == SLOTS, "the page says that more gain nothing, and it is the default"
