"""In a real browser: the views into a model follow the arrow keys, and what is typed stays text."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from jupyter_server import jupyterlab
from test_browser import RUN_TIMEOUT_MS, browser, wait_for_kernel, wait_until_idle  # noqa: F401 - browser is a fixture

TEXT = "Everybody knows the beekeeper"
ATTENTION = f"""
from llama_course.models.inside import model_folder, open_model
from llama_course.widgets.inside import AttentionView, LogitLensView

model = open_model(model_folder("tiny-chat"))
AttentionView(model, {TEXT!r})
"""
LENS = f"LogitLensView(model, {TEXT!r})"
CAPTION = "What the layers would say after"
TYPED = "<b id='injected'>Hi</b>"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):  # noqa: F811
    """JupyterLab with a notebook of two cells, both run: where the heads look, what the layers would say."""
    folder = tmp_path_factory.mktemp("inside")
    notebooks, settings = folder / "course", folder / "settings"
    notebooks.mkdir()
    settings.mkdir()
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    notebook = new_notebook(cells=[new_code_cell(ATTENTION), new_code_cell(LENS)], metadata=kernel)
    nbformat.write(notebook, notebooks / "a.ipynb")
    with jupyterlab(notebooks, settings) as server:
        page = browser.new_page(viewport={"width": 1200, "height": 1400})
        page.goto(server.page("a.ipynb"), timeout=RUN_TIMEOUT_MS)
        wait_for_kernel(page)
        page.locator(".jp-Notebook .jp-CodeCell").first.click()
        page.keyboard.press("Shift+Enter")
        page.keyboard.press("Shift+Enter")
        page.locator(".jp-OutputArea-output", has_text=CAPTION).first.wait_for(timeout=RUN_TIMEOUT_MS)
        wait_until_idle(page)
        yield page
        page.close()


def test_the_arrow_keys_choose_layer_and_head(page):
    cell = page.locator(".jp-Notebook .jp-CodeCell").first
    layer, head = (cell.locator(".widget-slider .noUi-handle").nth(number) for number in (0, 1))
    for handle, key, shown in [
        (layer, "ArrowRight", "Layer 1, head 0:"),
        (head, "ArrowRight", "Layer 1, head 1:"),
        (layer, "ArrowLeft", "Layer 0, head 1:"),
    ]:
        handle.focus()
        page.keyboard.press(key)
        cell.locator("caption", has_text=shown).wait_for(timeout=RUN_TIMEOUT_MS)


def test_an_arrow_key_moves_the_lens_to_the_token_before(page):
    cell = page.locator(".jp-Notebook .jp-CodeCell").nth(1)
    cell.locator("caption", has_text=f"{TEXT}”").wait_for(timeout=RUN_TIMEOUT_MS)
    cell.locator(".widget-slider .noUi-handle").focus()
    page.keyboard.press("ArrowLeft")
    caption = cell.locator("caption", has_not_text=f"{TEXT}”")
    caption.wait_for(timeout=RUN_TIMEOUT_MS)
    read = caption.inner_text().partition("“")[2].partition("”")[0].removeprefix("<s>")
    assert read and TEXT.startswith(read)


@pytest.mark.parametrize(("number", "shown"), [(0, "th >> text='ted'"), (1, f'caption:has-text("{TYPED}")')])
def test_typed_markup_stays_text(page, number, shown):
    """Seen as a token of its own in the first view, and whole in the caption of the second."""
    cell = page.locator(".jp-Notebook .jp-CodeCell").nth(number)
    box = cell.locator("textarea")
    box.fill(TYPED)
    box.press("Tab")
    cell.locator(shown).first.wait_for(timeout=RUN_TIMEOUT_MS)
    assert page.locator("#injected").count() == 0
