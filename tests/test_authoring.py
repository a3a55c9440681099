"""The notebook builder and the notebook linter."""

import copy
import os
import textwrap

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from authoring import build, execution, lint, masters, rules
from authoring.first_cell import first_cell, with_badge
from authoring.notebook import EVERYWHERE, Notebook
from llama_course.repository import Repository

SCHOOL = Repository("some-school", "llama")

LESSON = """\
# %% [markdown]
# # 02 · Example
#
# **Question.** What?

# %% tags=["first-cell"]

# %%
print("one\\x1b[31m red\\x1b[0m")
import sys
print("Matplotlib is building the font cache; this may take a moment.", file=sys.stderr)


# %% [markdown]
# Text between.

# %% tags=["raises-exception"]
raise ValueError("meant to fail")

# %%
import os
folder, name = os.path.split(os.getcwd())
print(name, os.environ["HF_HUB_OFFLINE"], os.path.exists(os.environ["LLAMA_COURSE_PROGRESS"]))
"""

EXERCISES = '''\
# %% [markdown]
# # Exercises 02 · Example

# %% tags=["first-cell"]

# %% [markdown]
# ## Exercise 02.1 · Add one

# %%
def add_one(x):
    """x + 1."""
    ### BEGIN SOLUTION
    return x + 1
    ### END SOLUTION

# %%
check("02.1", add_one)

# %% [markdown] tags=["solution-only"]
# Because one is added.

# %%
### BEGIN SOLUTION
verdict = "yes"
### END SOLUTION

# %%
shown = verdict.upper()

# %%
print(shown)

# %%
print("nothing to do with it")
'''


@pytest.fixture(autouse=True)
def unpublished(monkeypatch):
    """The examples here have no repository, whatever this copy of the course has."""
    for module in (masters, rules):
        monkeypatch.setattr(module, "published", lambda: None)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with the masters of one lesson, and a first cell that costs nothing."""
    write(tmp_path, "the_authors_own_progress.json", "{}")
    monkeypatch.setenv("LLAMA_COURSE_PROGRESS", str(tmp_path / "the_authors_own_progress.json"))
    monkeypatch.setattr(masters, "first_cell", lambda lesson, repository: f"lesson = {lesson!r}")
    write(tmp_path, "authoring/lessons/02_example.py", LESSON)
    write(tmp_path, "authoring/exercises/02_example.py", EXERCISES)
    return tmp_path


def write(root, name, text):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def read(root, name):
    return nbformat.read(root / name, as_version=4)


def add_cell(root, source, tags=""):
    write(root, "authoring/lessons/02_example.py", f"{LESSON}\n# %%{tags}\n{textwrap.dedent(source)}")


def files_of(root):
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*.ipynb")}


# -- the builder: structure --------------------------------------------------------------------------------


def test_the_same_masters_give_the_same_bytes(project):
    build.main(["--no-execute"], project)
    first = files_of(project)
    assert {str(path.parent) for path in first} == {"course", "exercises", "solutions"}
    for path in first:
        (project / path).unlink()
    build.main(["--no-execute"], project)
    assert files_of(project) == first
    assert all(content.endswith(b"}\n") for content in first.values())


def test_cell_ids_and_metadata_are_fixed(project):
    build.main(["--no-execute"], project)
    notebook = read(project, "course/02_example.ipynb")
    assert [cell.id for cell in notebook.cells] == [f"course-02-{i:03d}" for i in range(len(notebook.cells))]
    assert set(notebook.metadata) == {"kernelspec", "language_info", "llama_course"}
    assert notebook.metadata.kernelspec.display_name == "Python 3"
    assert all(set(cell.metadata) <= {"tags"} for cell in notebook.cells)  # no lines_to_next_cell


def test_the_exercise_has_stubs_and_the_solution_has_none(project):
    build.main(["--no-execute"], project)
    exercise, solution = (read(project, f"{kind}/02_example.ipynb") for kind in ("exercises", "solutions"))
    assert exercise.cells[3].source == ('def add_one(x):\n    """x + 1."""\n    raise NotImplementedError("your turn")')
    assert solution.cells[3].source == 'def add_one(x):\n    """x + 1."""\n    return x + 1'
    assert exercise.cells[5].source == 'raise NotImplementedError("your turn")'
    assert "SOLUTION" not in "".join(cell.source for cell in exercise.cells + solution.cells)
    assert [cell.source for cell in solution.cells if cell.cell_type == "markdown"][-1] == "Because one is added."
    assert "Because" not in "".join(cell.source for cell in exercise.cells)


def test_what_fails_on_a_stub_may_raise_and_nothing_else(project):
    build.main(["--no-execute"], project)
    may_raise = {
        kind: [
            cell.source
            for cell in read(project, f"{kind}/02_example.ipynb").cells
            if "raises-exception" in masters.tags(cell)
        ]
        for kind in ("exercises", "solutions")
    }
    assert may_raise["solutions"] == []
    ends = [source.splitlines()[-1].strip() for source in may_raise["exercises"]]
    assert ends == [masters.STUB, 'check("02.1", add_one)', masters.STUB, "shown = verdict.upper()", "print(shown)"]


@pytest.mark.parametrize("repository", [None, SCHOOL])
def test_the_first_cell_names_its_lesson_and_fits_in_six_lines(repository):
    source = first_cell("02", repository)
    assert source.endswith('begin("02")')
    assert len(source.splitlines()) <= 6
    assert ("github.com" in source) == bool(repository)


def test_a_badge_is_put_under_the_title_replaced_and_taken_away():
    head = "# 02 · Example\n\n**Question.** What?"
    badged = with_badge(head, "course/02_example.ipynb", SCHOOL)
    first, link = badged.split("\n\n")[:2]
    assert first == "# 02 · Example"
    assert link == f"[**Open in** `Colab`]({SCHOOL.colab('course/02_example.ipynb')})"
    assert with_badge(badged, "course/02_example.ipynb", SCHOOL) == badged
    other = Repository("other", "course")
    assert with_badge(badged, "course/02_example.ipynb", other) == with_badge(head, "course/02_example.ipynb", other)
    assert with_badge(badged, "course/02_example.ipynb", None) == head
    assert with_badge("# Only a title", "x", None) == "# Only a title"


def test_every_built_notebook_gets_the_badge_that_opens_it(project, monkeypatch):
    monkeypatch.setattr(masters, "published", lambda: SCHOOL)
    build.main(["--no-execute"], project)
    for kind in EVERYWHERE:
        assert (
            f"({SCHOOL.colab(f'{kind}/02_example.ipynb')})" in read(project, f"{kind}/02_example.ipynb").cells[0].source
        )


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("### BEGIN SOLUTION\nx = 1", "belongs in an exercise master"),
        ("", "empty code cell"),
    ],
)
def test_a_lesson_master_with_a_fault_is_refused(project, capsys, cell, message):
    add_cell(project, cell)
    assert build.main(["--no-execute"], project) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "source", ["### BEGIN SOLUTION\nx = 1", "x = 1\n### END SOLUTION", "### BEGIN SOLUTION\n### BEGIN SOLUTION"]
)
def test_marks_without_a_partner_are_refused(source):
    with pytest.raises(masters.BuildError, match="without"):
        masters.split_solution(source, keep=True)


def test_a_master_without_a_place_for_the_first_cell_is_refused(project, capsys):
    write(project, "authoring/lessons/02_example.py", "# %% [markdown]\n# # Title\n\n# %%\nx = 1\n")
    assert build.main(["--no-execute", "02"], project) == 1
    assert "first-cell" in capsys.readouterr().err


def test_an_unknown_lesson_is_named_with_those_that_exist(project, capsys):
    assert build.main(["07"], project) == 1
    assert "No master for lesson 07. There are masters for: 02." in capsys.readouterr().err


# -- the builder: execution --------------------------------------------------------------------------------


@pytest.mark.slow
def test_outputs_are_stored_for_lessons_only_and_cleaned(project):
    assert build.main([], project) == 0
    cells = [cell for cell in read(project, "course/02_example.ipynb").cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == [1, 2, 3, 4]
    assert [output.text for output in cells[1].outputs] == ["one red\n"]  # no colours, no harmless warning
    assert cells[2].outputs[0].traceback == ["ValueError: meant to fail"]
    assert cells[3].outputs[0].text == "course 1 False\n"  # its own folder, offline, without progress
    for kind in ("exercises", "solutions"):
        assert not any(cell.get("outputs") for cell in read(project, f"{kind}/02_example.ipynb").cells)
    before = files_of(project)
    build.main(["--force"], project)
    assert files_of(project) == before


@pytest.mark.slow
def test_only_a_change_of_code_executes_again(project, monkeypatch):
    build.main([], project)
    executions = []
    run = execution.execute_cells
    monkeypatch.setattr(execution, "execute_cells", lambda *args: executions.append(args) or run(*args))
    write(project, "authoring/lessons/02_example.py", LESSON.replace("Text between.", "Other text."))
    build.main([], project)
    notebook = read(project, "course/02_example.ipynb")
    assert executions == []
    assert notebook.cells[3].source == "Other text."
    assert notebook.cells[2].outputs
    add_cell(project, "print(2)")
    build.main([], project)
    assert len(executions) == 1
    assert read(project, "course/02_example.ipynb").cells[-1].outputs[0].text == "2\n"


@pytest.mark.slow
def test_a_display_that_changes_later_changes_where_it_stands(project):
    add_cell(
        project,
        """\
        import sys, time
        print(1)
        sys.stdout.flush(), time.sleep(0.5)
        print(2)
        live = display({"text/plain": "before"}, raw=True, display_id=True)

        # %%
        live.update({"text/plain": "after"}, raw=True)
        """,
    )
    assert build.main([], project) in (None, 0)
    shown = read(project, "course/02_example.ipynb").cells[-2].outputs
    assert [output.get("text", output.get("data")) for output in shown] == ["1\n2\n", {"text/plain": "after"}]


@pytest.mark.slow
def test_a_kernel_ends_with_its_notebook(tmp_path, monkeypatch):
    manager = execution.kernel_manager()
    monkeypatch.setattr(execution, "kernel_manager", lambda: manager)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import os\nprint(os.getpid())")])
    execution.execute_cells(notebook, tmp_path, execution.execution_environment())
    assert not psutil.pid_exists(int(notebook.cells[0].outputs[0].text))


@pytest.mark.slow
def test_a_new_first_cell_or_badge_keeps_the_outputs_and_an_edited_notebook_does_not(project, monkeypatch):
    build.main([], project)
    outputs = read(project, "course/02_example.ipynb").cells[2].outputs
    monkeypatch.setattr(execution, "execute_cells", lambda *args: pytest.fail("executed"))
    monkeypatch.setattr(masters, "first_cell", lambda lesson, repository: f"lesson = {lesson!r}  # {repository}")
    monkeypatch.setattr(masters, "published", lambda: SCHOOL)
    assert build.main(["--check"], project) == 1
    assert build.main([], project) == 0
    notebook = read(project, "course/02_example.ipynb")
    assert notebook.cells[1].source == "lesson = '02'  # some-school/llama"
    assert notebook.cells[2].outputs == outputs
    assert build.main(["--check"], project) == 0
    path = project / "course/02_example.ipynb"
    path.write_text(path.read_text(encoding="utf-8").replace("  # some-school", "  # another"), encoding="utf-8")
    assert "never executed" in build.why_stale(masters.find_targets(project)[0])


@pytest.mark.slow
def test_a_failing_cell_is_named_and_leaves_the_old_notebook(project, capsys):
    build.main(["--no-execute"], project)
    before = (project / "course/02_example.ipynb").read_bytes()
    add_cell(project, "unknown_name")
    assert build.main([], project) == 1
    message = capsys.readouterr().err
    assert "course/02_example.ipynb" in message
    assert "cell 7 failed: NameError: name 'unknown_name' is not defined" in message
    assert (project / "course/02_example.ipynb").read_bytes() == before


@pytest.mark.slow
def test_widgets_leave_their_twins_and_need_one(project, capsys):
    twin = """
    import ipywidgets
    class Slider(ipywidgets.IntSlider):
        def _repr_mimebundle_(self, **kwargs):
            return {**super()._repr_mimebundle_(**kwargs), "text/html": "<b>3 of 5</b>", "text/plain": "3 of 5"}
    Slider()
    """
    add_cell(project, twin)
    assert build.main([], project) == 0
    notebook = read(project, "course/02_example.ipynb")
    assert set(notebook.cells[-1].outputs[0].data) == {"text/html", "text/plain"}
    assert "widgets" not in notebook.metadata
    add_cell(project, "import ipywidgets; ipywidgets.IntSlider()")
    assert build.main([], project) == 1
    assert "static twin" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["stream", "display_data", "error"])
def test_an_output_with_a_path_of_this_machine_is_refused(tmp_path, kind):
    path = f"{tmp_path}{os.sep}secret.txt"
    output = {
        "stream": new_output("stream", name="stdout", text=path),
        "display_data": new_output("display_data", data={"text/html": f"<b>{path}</b>"}),
        "error": new_output("error", ename="E", evalue=path, traceback=[]),
    }[kind]
    with pytest.raises(masters.BuildError, match=r"cell 3 shows a path of this machine.*secret"):
        execution.clean_cell(new_code_cell("x", outputs=[output]), "cell 3", tmp_path)


def test_letters_of_a_picture_are_not_taken_for_a_path(tmp_path):
    picture = f'<img alt="a" src="data:image/png;base64,AAAA{tmp_path.as_posix()}/AAAA">'
    cell = new_code_cell("x", outputs=[new_output("display_data", data={"text/html": picture})])
    execution.clean_cell(cell, "cell 3", tmp_path)
    assert len(cell.outputs) == 1


# -- the builder: --check ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_check_names_what_is_out_of_date(project, capsys):
    assert check(project, capsys) == (1, 3)  # nothing is built yet
    build.main(["--no-execute"], project)
    assert check(project, capsys) == (1, 1)  # the lesson was not executed
    build.main([], project)
    assert check(project, capsys) == (0, 0)
    write(project, "authoring/exercises/02_example.py", EXERCISES.replace("Add one", "Add 1"))
    assert check(project, capsys) == (1, 2)


def test_check_finds_an_edited_notebook_and_one_without_a_master(project, capsys):
    build.main(["--no-execute"], project)
    path = project / "solutions/02_example.ipynb"
    path.write_text(path.read_text(encoding="utf-8").replace("one is added", "of it"), encoding="utf-8")
    (project / "exercises/03_old.ipynb").write_bytes(path.read_bytes())
    build.main(["--check"], project)
    shown = capsys.readouterr().out
    assert "solutions/02_example.ipynb: differs from its master" in shown
    assert "03_old.ipynb: has no master" in shown


def check(project, capsys):
    capsys.readouterr()
    status = build.main(["--check"], project)
    return status, capsys.readouterr().out.count(".ipynb")


# -- the linter --------------------------------------------------------------------------------------------

HEAD = """\
# 02 · Example

**Question.** What is it?

**You will be able to** say.

**Before you start.** Lesson 00.

**Time.** 40 minutes. **Compute.** 10 s on two CPU cores. **Memory.** 0.5 GiB.

**Claims tested.** "it is" (A4)."""

ENDING = """\
## What you can now explain

- one
- two
- three

**Exercises.** [Exercises 02](../exercises/02_example.ipynb)

**Sources.** [Paper](https://arxiv.org/abs/2307.09288)"""

EXERCISE = """\
## Exercise 02.1 · Add one

**Difficulty** 1 of 4 · **Minutes** 5 · **For** warming up."""


@pytest.fixture
def good(tmp_path):
    """A notebook of each kind that breaks no rule."""
    write(tmp_path, "authoring/exercises/02_example.py", "")
    for kind in EVERYWHERE:
        write(tmp_path, f"{kind}/02_example.ipynb", "{}")
    cells = {
        "course": lesson_cells(),
        "exercises": exercise_cells(masters.STUB),
        "solutions": exercise_cells("return 1"),
    }
    return {
        kind: Notebook(tmp_path / kind / "02_example.ipynb", cells[kind], nbformat.from_dict({})) for kind in EVERYWHERE
    }


def lesson_cells():
    section = [new_markdown_cell("## Why\n\nBecause."), new_code_cell("x = 1\nx"), new_markdown_cell("Seen.")]
    first = new_code_cell(first_cell("02", None), metadata={"tags": ["first-cell"]})
    cells = [new_markdown_cell(HEAD), first, *[copy.deepcopy(cell) for cell in section * 9], new_markdown_cell(ENDING)]
    code = [cell for cell in cells if cell.cell_type == "code"]
    for count, cell in enumerate(code, 1):
        cell.execution_count = count
        cell.outputs = [new_output("display_data", data={"text/plain": "1", "text/html": "<b>1</b>"})]
    return cells


def exercise_cells(body):
    return [
        new_markdown_cell("# Exercises 02 · Example"),
        new_code_cell(first_cell("02", None), metadata={"tags": ["first-cell"]}),
        new_markdown_cell(EXERCISE),
        new_code_cell(f"def f():\n    {body}"),
        new_code_cell('check("02.1", f)'),
    ]


def set_source(cell, source):
    return lambda nb: nb.cells[cell - 1].update(source=source)


def replace(cell, old, new):
    def change(nb):
        assert old in nb.cells[cell - 1].source
        nb.cells[cell - 1].source = nb.cells[cell - 1].source.replace(old, new)

    return change


def output(kind, content):
    return lambda nb: nb.cells[3].outputs.append(new_output("display_data", data={kind: content}))


def stream(text, name="stdout"):
    return lambda nb: nb.cells[3].outputs.append(new_output("stream", name=name, text=text))


def failed(nb):
    nb.cells[3].outputs = [new_output("error", ename="ValueError", evalue="bad", traceback=[])]


LINES = {n: "\n".join(["x = 1"] * n) for n in (9, 16, 26)}
FAULTS = [
    ("one_title", "course", set_source(3, "# Another title")),
    ("one_title", "course", replace(1, "# 02", "02")),
    ("heading_order", "course", set_source(3, "### Too deep")),
    ("standard_first_cell", "course", replace(2, "begin", "start")),
    ("standard_first_cell", "exercises", lambda nb: nb.cells.pop(1)),
    ("badge_opens_this_notebook", "course", set_source(1, with_badge(HEAD, "course/02_example.ipynb", SCHOOL))),
    ("badge_opens_this_notebook", "course", set_source(3, f"## Open\n\n[there]({SCHOOL.colab('course/x.ipynb')})")),
    ("complete_head", "course", replace(1, "**Question.**", "Ask:")),
    ("complete_head", "course", replace(1, "able to", "ready to")),
    ("complete_head", "course", replace(1, "**Before you start.**", "**First.**")),
    ("complete_head", "course", replace(1, "40 minutes", "a while")),
    ("complete_head", "course", replace(1, "**Compute.**", "**Speed.**")),
    ("complete_head", "course", replace(1, "0.5 GiB", "little")),
    ("complete_head", "course", replace(1, "**Claims tested.**", "**Tested.**")),
    ("number_of_cells", "course", lambda nb: nb.cells.pop(-2)),
    ("number_of_cells", "course", lambda nb: nb.cells.extend(new_markdown_cell("more") for _ in range(31))),
    ("complete_ending", "course", replace(30, "What you can now explain", "The end")),
    ("complete_ending", "course", replace(30, "- three\n", "")),
    ("complete_ending", "course", replace(30, "- three\n", "- 3\n- 4\n- 5\n- 6\n")),
    ("complete_ending", "course", replace(30, "../exercises/", "https://example.org/")),
    ("complete_ending", "course", replace(30, "**Sources.**", "**More.**")),
    ("longest_cell", "course", set_source(4, LINES[26])),
    ("longest_cell", "solutions", set_source(4, LINES[26])),
    ("usual_cell", "course", lambda nb: [cell.update(source=LINES[9]) for _, cell in nb.code[1:6]]),
    ("usual_cell", "course", lambda nb: [cell.update(source=LINES[16]) for _, cell in nb.code[1:3]]),
    ("widgets_and_plots_have_twins", "course", set_source(4, "interact(f, x=3)")),
    ("widgets_and_plots_have_twins", "course", set_source(4, "import ipywidgets")),
    ("widgets_and_plots_have_twins", "course", set_source(4, "widgets.IntSlider()")),
    ("widgets_and_plots_have_twins", "course", set_source(4, "plt.show()")),
    ("alt_text", "course", set_source(5, "![](../course/02_example.ipynb)")),
    ("alt_text", "course", set_source(5, '<img src="../course/02_example.ipynb">')),
    ("alt_text", "course", output("text/html", '<img alt="" src="data:image/png;base64,AA">')),
    ("alt_text", "course", output("text/html", "<svg width='3'></svg>")),
    ("no_bare_images", "course", output("image/png", "AA==")),
    ("links_exist", "course", set_source(5, "[gone](../gone.md#part)")),
    ("links_exist", "course", set_source(5, '<a class="x" href="gone.md">gone</a>')),
    ("no_widget_state", "course", lambda nb: nb.metadata.update(widgets={})),
    ("no_widget_state", "course", output(execution.WIDGET_VIEW, {"model_id": "1"})),
    ("no_machine_paths", "course", set_source(4, 'open("/home/somebody/file")')),
    ("no_machine_paths", "course", stream("C:\\Users\\somebody")),
    ("no_machine_paths", "course", stream("/tmp/ipykernel_12/34.py:1")),
    ("no_machine_paths", "course", lambda nb: stream(f"{nb.root}{os.sep}x")(nb)),
    ("no_memory_addresses", "course", output("text/plain", "<f at 0x7f0123456789>")),
    ("no_access_tokens", "course", set_source(4, 'login("hf_' + "a1" * 17 + '")')),
    ("no_access_tokens", "course", stream("Bearer " + "a1" * 17)),
    ("no_errors", "course", failed),
    ("no_errors", "course", stream("a warning", "stderr")),
    ("executed", "course", lambda nb: nb.cells[3].update(execution_count=None)),
    ("no_outputs", "exercises", stream("done")),
    ("no_outputs", "solutions", lambda nb: nb.cells[3].update(execution_count=1)),
    ("numbered_exercises", "exercises", replace(3, "## Exercise 02.1 · Add one", "## Something")),
    ("numbered_exercises", "exercises", replace(3, "02.1", "02.2")),
    ("numbered_exercises", "exercises", replace(3, " · Add one", "")),
    ("described_exercises", "exercises", replace(3, "1 of 4", "5 of 4")),
    ("described_exercises", "exercises", replace(3, "**Minutes** 5", "")),
    ("described_exercises", "solutions", replace(3, "**For**", "")),
    ("checked_exercises", "solutions", lambda nb: nb.cells.pop()),
    ("checked_exercises", "exercises", replace(5, "02.1", "02.2")),
    ("stubs", "exercises", replace(4, masters.STUB, "return 1")),
]


@pytest.mark.parametrize("kind", EVERYWHERE)
def test_a_good_notebook_has_no_findings(good, kind):
    assert lint.lint_notebook(good[kind]) == []


@pytest.mark.parametrize(("rule", "kind", "spoil"), FAULTS, ids=[f"{i}-{r}" for i, (r, _, _) in enumerate(FAULTS)])
def test_a_planted_fault_is_found(good, rule, kind, spoil):
    spoil(good[kind])
    found = lint.lint_notebook(fresh(good[kind]))
    assert rule in {finding.rule for finding in found}, found
    assert not any(finding.is_warning for finding in found if finding.rule == rule)


def fresh(notebook):
    """The same notebook without what it has remembered."""
    return Notebook(notebook.path, notebook.cells, notebook.metadata)


def test_every_rule_has_a_planted_fault():
    assert {function.__name__ for function, _ in rules.RULES} == {rule for rule, _, _ in FAULTS}


@pytest.mark.parametrize(
    "source",
    ["```\n# a comment\n![](x.png)\n[a](gone.md)\n```", "`[a](gone.md)`", "[a](#here) [b](mailto:a@example.org)"],
)
def test_code_in_text_and_other_sites_are_left_alone(good, source):
    set_source(5, source)(good["course"])
    assert lint.lint_notebook(good["course"]) == []


def test_widgets_of_the_course_and_meant_errors_are_left_alone(good):
    set_source(4, "from llama_course.widgets.chat import ChatBox\nimport llama_course.widgets.chat\nChatBox()")(
        good["course"]
    )
    good["course"].cells[3].metadata["tags"] = ["raises-exception"]
    failed(good["course"])
    assert lint.lint_notebook(good["course"]) == []


def test_the_welcome_may_be_short(good):
    notebook = Notebook(good["course"].path.with_name("00_example.ipynb"), good["course"].cells[:5], {})
    found = [finding for finding in lint.lint_notebook(notebook) if finding.rule == "number_of_cells"]
    assert [finding.is_warning for finding in found] == [True]


def test_the_command_prints_file_cell_and_rule_and_fails(good, capsys):
    notebook = good["solutions"]
    notebook.cells.pop()
    text = nbformat.writes(new_notebook(cells=notebook.cells))
    notebook.path.write_text(text, encoding="utf-8")
    assert lint.main([str(notebook.path)]) == 1
    shown = capsys.readouterr().out
    assert (
        'solutions/02_example.ipynb: cell 3: error: the exercise has no check("02.1", ...). [checked_exercises]'
        in shown
    )
    assert "1 notebooks, 1 errors, 0 warnings" in shown


def test_a_file_that_is_no_notebook_is_reported(tmp_path, capsys):
    write(tmp_path, "course/02_broken.ipynb", "not JSON")
    assert lint.main([], tmp_path) == 1
    assert "cannot be read as a notebook" in capsys.readouterr().out
