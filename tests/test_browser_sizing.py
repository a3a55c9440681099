"""In a real browser: the calculators of lesson 12, with the keyboard alone."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from jupyter_server import jupyterlab
from test_browser import ANSWER_TIMEOUT_MS, RUN_TIMEOUT_MS, browser, wait_for_kernel  # noqa: F401 - browser is a fixture

CODE = "from llama_course.widgets.sizing import SpeedCalculator\nSpeedCalculator()"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):  # noqa: F811
    folder = tmp_path_factory.mktemp("sizing")
    (folder / "course").mkdir()
    (folder / "settings").mkdir()
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    nbformat.write(new_notebook(cells=[new_code_cell(CODE)], metadata=kernel), folder / "course" / "a.ipynb")
    with jupyterlab(folder / "course", folder / "settings") as server:
        page = browser.new_page(viewport={"width": 900, "height": 900})
        page.goto(server.page("a.ipynb"), timeout=RUN_TIMEOUT_MS)
        wait_for_kernel(page)
        page.locator(".jp-Notebook .jp-CodeCell").first.click()
        page.keyboard.press("Shift+Enter")
        shows(page, "Llama 2 7B in 4 bits, 1 user with")
        yield page
        page.close()


def test_model_and_bits_are_chosen_with_tab_and_space(page):
    page.get_by_role("button", name="Llama 2 7B", exact=True).focus()
    press_tab_until(page, "active => active.textContent.trim() === 'Llama 2 13B'")
    page.keyboard.press("Space")
    shows(page, "Llama 2 13B in 4 bits")
    press_tab_until(page, "active => active.textContent.trim() === '8 bits'")
    page.keyboard.press("Space")
    shows(page, "Llama 2 13B in 8 bits")


def test_a_slider_is_moved_with_the_arrow_keys_and_typed_into(page):
    page.get_by_role("button", name="2 bits", exact=True).focus()
    press_tab_until(page, "active => active.getAttribute('role') === 'slider'")
    page.keyboard.press("ArrowRight")
    shows(page, "2 users with 1,024 tokens each")
    press_tab_until(page, "active => active.classList.contains('widget-readout')")
    page.keyboard.press("Control+A")
    page.keyboard.type("40")
    page.keyboard.press("Enter")
    shows(page, "40 users with 1,024 tokens each")
    shows(page, "does not fit")


def shows(page, words: str) -> None:
    page.locator(".lc-sizing-shown").get_by_text(words).first.wait_for(timeout=ANSWER_TIMEOUT_MS)


def press_tab_until(page, condition: str) -> None:
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate(f"({condition})(document.activeElement)"):
            return
    raise AssertionError(f"Tab did not reach {condition}")
