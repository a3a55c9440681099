"""In a real browser: the clause explorer and the calculator of section 2, with the keyboard alone."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from jupyter_server import jupyterlab
from test_browser import ANSWER_TIMEOUT_MS, RUN_TIMEOUT_MS, browser, wait_for_kernel  # noqa: F401 - browser is a fixture

EXPLORER = "from llama_course.widgets.clause_explorer import ClauseExplorer\nClauseExplorer()"
GATE = "from llama_course.widgets.user_gate import UserGate\nUserGate()"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):  # noqa: F811
    folder = tmp_path_factory.mktemp("licensing")
    (folder / "course").mkdir()
    (folder / "settings").mkdir()
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    cells = [new_code_cell(code) for code in (EXPLORER, GATE)]
    nbformat.write(new_notebook(cells=cells, metadata=kernel), folder / "course" / "a.ipynb")
    with jupyterlab(folder / "course", folder / "settings") as server:
        page = browser.new_page(viewport={"width": 1000, "height": 1200})
        page.goto(server.page("a.ipynb"), timeout=RUN_TIMEOUT_MS)
        wait_for_kernel(page)
        page.locator(".jp-Notebook .jp-CodeCell").first.click()
        for _ in range(2):
            page.keyboard.press("Shift+Enter")
        page.get_by_text("no need to ask").wait_for(timeout=RUN_TIMEOUT_MS)
        yield page
        page.close()


def test_typing_finds_a_clause_and_the_box_keeps_the_keys(page):
    search = page.get_by_placeholder("a word, for example outputs")
    search.focus()
    page.keyboard.type("outputs")
    shows(page, "improve any other large language model")
    shows(page, "None of the five articles tells of it.")
    assert search.evaluate("box => box === document.activeElement") and search.input_value() == "outputs"


def test_tab_and_space_reach_the_next_clause(page):
    page.get_by_placeholder("a word, for example outputs").focus()
    press_tab_until_on(page, "Next clause")
    page.keyboard.press("Space")
    shows(page, "train another AI model (LLM or otherwise)")


def test_another_licence_is_chosen_with_space_and_markup_finds_nothing(page):
    page.get_by_role("button", name="RAIL", exact=True).focus()
    page.keyboard.press("Space")
    shows(page, "based on the generation of synthetic data")
    search = page.get_by_placeholder("a word, for example outputs")
    search.fill("<b id='injected'>")
    shows(page, "No clause passes these filters")
    assert page.locator("#injected").count() == 0


def test_the_explorer_needs_no_scrolling_to_the_side(page):
    box = page.locator(".jp-OutputArea-output .widget-vbox").first
    assert box.evaluate("box => box.scrollWidth - box.clientWidth") <= 0


def test_the_calculator_answers_to_the_keyboard(page):
    field = page.get_by_label("the product that will get Llama, in 2023-06, millions")
    field.focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("701")
    page.keyboard.press("Tab")
    shows(page, "no rights, unless and until Meta grants them")
    page.get_by_role("button", name="Llama 4", exact=True).last.focus()
    page.keyboard.press("Space")
    shows(page, "5 April 2025")


def shows(page, words: str) -> None:
    page.locator(".jp-OutputArea-output").get_by_text(words).first.wait_for(timeout=ANSWER_TIMEOUT_MS)


def press_tab_until_on(page, label: str) -> None:
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent").strip() == label:
            return
    raise AssertionError(f"Tab did not reach {label!r}")
