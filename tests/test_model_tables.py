"""The tables of lessons and models: against the lessons' own code, against the estimate, and in the teacher's page."""

import re

import pytest

from llama_course import cli
from llama_course.models.catalog import CATALOG
from llama_course.models.model_tables import CARDS, lesson_rows, lesson_table, needs_table
from llama_course.models.sizes import shape_of


def code_of(master) -> str:
    """The code cells of a lesson's master."""
    cells = re.split(r"^# %%(.*)$", master.read_text(encoding="utf-8"), flags=re.M)
    return "\n".join(body for head, body in zip(cells[1::2], cells[2::2], strict=True) if "[markdown]" not in head)


def test_the_lessons_that_take_any_model_are_those_that_load_without_a_name(project_root):
    masters = {path.name[:2]: path for path in (project_root / "authoring" / "lessons").glob("[0-9]*.py")}
    rows = {row["lesson"]: row for row in lesson_rows()}
    assert rows.keys() == masters.keys(), "data/lesson_models.json needs a row for each lesson"
    loads = {number: "load_model()" in code_of(path) for number, path in masters.items()}
    assert {number: row["any_model"] for number, row in rows.items()} == loads


def test_the_models_that_lessons_use_are_in_the_catalog():
    named = {name for row in lesson_rows() for name in re.findall(r"\b(?:tiny|smollm2)-[\w-]+", row["uses"])}
    assert named
    assert named <= CATALOG.keys()


def test_each_large_model_has_a_row_with_its_download():
    rows = needs_table().splitlines()[2:]
    assert [row.split()[1] for row in rows] == [name for name in CATALOG if shape_of(name)]
    for row in rows:
        name, _, download = re.match(r"\| (\S+) (\|) ([\d.]+) GB ", row).groups()
        assert float(download) == pytest.approx(2 * CATALOG[name].parameters / 1e9, abs=0.05)
        assert row.count("|") == 5 + len(CARDS)


@pytest.mark.parametrize(
    ("name", "formats"),
    [
        ("tinyllama-1.1b-chat", ["16-bit", "16-bit", "16-bit", "16-bit"]),
        ("llama-2-7b-chat", ["4-bit", "16-bit", "16-bit", "16-bit"]),
        ("llama-2-70b-chat", ["no", "no", "4-bit", "16-bit"]),
    ],
)
def test_the_format_on_each_card_is_the_one_that_loading_would_choose(name, formats):
    (row,) = [row for row in needs_table().splitlines() if row.startswith(f"| {name} |")]
    assert [cell.strip() for cell in row.split("|")[5:-1]] == formats


def test_the_teacher_s_page_holds_the_tables_as_they_are(project_root):
    page = (project_root / "teaching" / "llama_2.md").read_text(encoding="utf-8")
    assert lesson_table() in page
    assert needs_table() in page


def test_the_command_prints_both(capsys):
    assert cli.main(["models", "--tables"]) == 0
    assert capsys.readouterr().out == f"{lesson_table()}\n\n{needs_table()}\n"


def test_the_commands_on_the_page_exist(project_root):
    from llama_course import paths
    from llama_course.training import lora_launch

    page = (project_root / "teaching" / "llama_2.md").read_text(encoding="utf-8")
    configs = set(re.findall(r"data/accelerate/(\w+)\.yaml", page))
    assert configs == {"one_gpu", "many_gpus"}
    assert all(paths.data_file(f"accelerate/{name}.yaml") for name in configs)
    launched = re.findall(r"lora_launch (.*?)$", page.replace("\\\n", " "), flags=re.M)
    assert len(launched) == 3
    for command in launched:
        lora_launch.parser().parse_args(command.split())
