"""In a real browser: a pair is labelled with the keyboard and kept at once; the leash is moved over recorded runs."""

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from jupyter_server import jupyterlab
from test_browser import RUN_TIMEOUT_MS, browser, wait_for_kernel, wait_until_idle  # noqa: F401 - browser is a fixture

LABEL = """
from pathlib import Path
from llama_course.evaluation.comparisons import TwoAnswers
from llama_course.llamaland.questions import fact_questions
from llama_course.llamaland.world import World
from llama_course.widgets.labelling import LabellingView

asked = fact_questions(World(people=8))[:40:20]
pairs = [TwoAnswers(question, question.gold, "I do not know.") for question in asked]
view = LabellingView(pairs, Path("labels.json"))
view
"""
COUNT = 'print("labels:", sorted(view.book.labels.values()))'
SLIDER = """
from llama_course.evaluation.leash_runs import recorded_leash_runs
from llama_course.widgets.leash import LeashSlider

LeashSlider(recorded_leash_runs())
"""
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("labelling") / "course"
    folder.mkdir()
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    notebook = new_notebook(cells=[new_code_cell(code) for code in (LABEL, COUNT, SLIDER)], metadata=kernel)
    nbformat.write(notebook, folder / "a.ipynb")
    return folder


@pytest.fixture(scope="module")
def page(browser, notebooks):  # noqa: F811
    settings = notebooks.parent / "settings"
    settings.mkdir()
    with jupyterlab(notebooks, settings) as server:
        page = browser.new_page(viewport={"width": 1200, "height": 1000})
        page.goto(server.page("a.ipynb"), timeout=RUN_TIMEOUT_MS)
        wait_for_kernel(page)
        run_cell(page, 0)
        page.locator(".lc-labelling-answer button").first.wait_for(timeout=RUN_TIMEOUT_MS)
        wait_until_idle(page)
        yield page
        page.close()


def test_a_pair_is_labelled_with_tab_and_space_and_kept_at_once(page, notebooks):
    page.locator(".lc-labelling-answer button").first.focus()
    page.keyboard.press("Space")  # answer A
    page.keyboard.press("Tab")  # answer B
    page.keyboard.press("Tab")  # significantly better
    page.keyboard.press("Space")
    page.locator("button.lc-labelling-keep:not([disabled])").wait_for(timeout=RUN_TIMEOUT_MS)
    for _ in range(4):  # over the other three points of the scale
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.locator(".lc-labelling-status", has_text="1 labelled and kept").wait_for(timeout=RUN_TIMEOUT_MS)
    labels = json.loads((notebooks / "labels.json").read_text(encoding="utf-8"))["labels"]
    assert list(labels.values()) == [["a", 3]]


def test_the_next_cell_sees_the_label(page):
    run_cell(page, 1)
    page.locator(".jp-OutputArea-output", has_text="labels: [('a', 3)]").wait_for(timeout=RUN_TIMEOUT_MS)


def test_the_leash_is_moved_with_the_arrow_keys(page):
    run_cell(page, 2)
    shown = page.locator(".lc-leash-shown")
    page.locator(".lc-leash-shown", has_text="KL weight 0, seed 0.").wait_for(timeout=RUN_TIMEOUT_MS)
    assert shown.locator("svg[role=img]").count() == 2  # reward and gold reward, distance
    page.locator(".lc-leash-weight [role=slider]").focus()
    page.keyboard.press("ArrowRight")
    page.locator(".lc-leash-shown", has_text="KL weight 0.05, seed 0.").wait_for(timeout=RUN_TIMEOUT_MS)
    page.locator(".lc-leash-run [role=slider]").focus()
    page.keyboard.press("ArrowRight")
    page.locator(".lc-leash-shown", has_text="KL weight 0.05, seed 1.").wait_for(timeout=RUN_TIMEOUT_MS)


def run_cell(page, number):
    page.locator(".jp-Notebook .jp-CodeCell").nth(number).click()
    page.keyboard.press("Shift+Enter")
