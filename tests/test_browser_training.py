"""In a real browser: a training is watched and stopped, and the cell after it uses what was learned."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from jupyter_server import jupyterlab
from test_browser import RUN_TIMEOUT_MS, browser, wait_for_kernel, wait_until_idle  # noqa: F401 - browser is a fixture

STEPS = 1_000_000  # more than anybody waits for
WATCH = f"""
import torch
from llama_course.models.llama import Llama, LlamaConfig
from llama_course.training.loop import train
from llama_course.training.optimization import TrainingSettings
from llama_course.training.pretraining import pretraining_loss
from llama_course.widgets.training_plot import TrainingPlot

sizes = dict(hidden_size=8, intermediate_size=16, num_hidden_layers=1, num_attention_heads=1, num_key_value_heads=1)
model = Llama(LlamaConfig(vocab_size=5, max_position_embeddings=16, **sizes))
loss = pretraining_loss(model, torch.tensor([1, 2, 3, 4] * 50), batch_size=4, length=16)
live = TrainingPlot({{"loss in nats": ["loss"]}}, {STEPS})
live.start(lambda: train(model, loss, TrainingSettings(steps={STEPS}), on_step=live.on_step))
live
"""
USE = """
history = live.wait()
after = model(torch.tensor([[1, 2, 3]]))[0, -1].argmax().item()
print(f"learned {history.steps} steps, {history.ended}; after 3 comes {after}")
"""
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):  # noqa: F811
    """JupyterLab with a notebook of two cells: train, and use what was learned."""
    folder = tmp_path_factory.mktemp("training")
    notebooks, settings = folder / "course", folder / "settings"
    notebooks.mkdir()
    settings.mkdir()
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    notebook = new_notebook(cells=[new_code_cell(WATCH), new_code_cell(USE)], metadata=kernel)
    nbformat.write(notebook, notebooks / "a.ipynb")
    with jupyterlab(notebooks, settings) as server:
        page = browser.new_page(viewport={"width": 1200, "height": 1000})
        page.goto(server.page("a.ipynb"), timeout=RUN_TIMEOUT_MS)
        wait_for_kernel(page)
        yield page
        page.close()


def test_stop_ends_the_training_and_the_next_cell_uses_what_was_learned(page):
    page.locator(".jp-Notebook .jp-CodeCell").first.click()
    page.keyboard.press("Shift+Enter")
    chart = page.locator(".lc-training-charts polyline").first
    chart.wait_for(timeout=RUN_TIMEOUT_MS)
    page.wait_for_function(
        "() => document.querySelector('.lc-training-charts polyline').getAttribute('points').split(' ').length > 50",
        timeout=RUN_TIMEOUT_MS,
    )
    wait_until_idle(page)  # the cell has ended, the training goes on
    page.locator(".lc-training-stop").first.click()
    page.locator(".lc-training-status", has_text="what was learned is kept").wait_for(timeout=RUN_TIMEOUT_MS)
    page.locator(".jp-Notebook .jp-CodeCell").nth(1).click()
    page.keyboard.press("Shift+Enter")
    said = page.locator(".jp-OutputArea-output", has_text="after 3 comes").last
    said.wait_for(timeout=RUN_TIMEOUT_MS)
    assert "stopped; after 3 comes 4" in said.inner_text()


def test_the_stopped_training_leaves_its_picture(page):
    picture = page.locator('.jp-OutputArea-output img[alt*="loss goes from"]')
    live = page.locator(".lc-training-charts svg[role=img]")
    assert picture.count() + live.count() >= 1  # the twin, or the widget with its words
    labels = [svg.get_attribute("aria-label") for svg in live.all()]
    assert all("loss went from" in label for label in labels)


def test_stop_works_while_the_next_cell_waits(page):
    """As after Run All: the waiting cell holds the kernel, and Stop must reach it all the same."""
    page.locator(".jp-Notebook .jp-CodeCell").first.click()
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Shift+Enter")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.jp-InputArea-prompt')].some(prompt => prompt.innerText.includes('*'))",
        timeout=RUN_TIMEOUT_MS,
    )
    page.wait_for_timeout(3000)
    page.locator(".lc-training-stop").first.click()
    page.wait_for_function(
        "() => ![...document.querySelectorAll('.jp-InputArea-prompt')].some(prompt => prompt.innerText.includes('*'))",
        timeout=20_000,
    )
    said = page.locator(".jp-OutputArea-output", has_text="after 3 comes").last
    assert "stopped" in said.inner_text()
