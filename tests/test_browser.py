"""In a real browser: JupyterLab opens lesson 00, runs it, and the chat box answers; nothing leaves the computer."""

import os
import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from jupyter_server import jupyterlab

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = "00_welcome.ipynb"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
RUN_TIMEOUT_MS = 120_000
ANSWER_TIMEOUT_MS = 60_000
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser():
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        missing = f"no browser found (looked for {', '.join(BROWSERS)}); on Debian: apt-get install chromium"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def requests() -> list[str]:
    """The addresses that the page asked for so far."""
    return []


@pytest.fixture(scope="module")
def lesson(browser, requests, tmp_path_factory):
    """The page of lesson 00 in JupyterLab after Run All Cells."""
    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "course", folder / "course", ignore=shutil.ignore_patterns(".*"))
    (folder / "settings").mkdir()
    with jupyterlab(folder / "course", folder / "settings") as server:
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.on("request", lambda request: requests.append(request.url))
        page.on("websocket", lambda socket: requests.append(socket.url))
        page.goto(server.page(NOTEBOOK), timeout=RUN_TIMEOUT_MS)
        wait_for_kernel(page)
        run_all_cells(page)
        yield page
        page.close()


@pytest.fixture
def chat(lesson):
    """The lesson's chat box, in view and empty."""
    box = lesson.locator(".lc-chat-input textarea").first
    box.scroll_into_view_if_needed()
    box.fill("")
    return lesson


def test_lesson_00_runs_without_errors(lesson):
    errors = '[data-mime-type="application/vnd.jupyter.error"], [data-mime-type="application/vnd.jupyter.stderr"]'
    assert lesson.locator(errors).all_inner_texts() == []
    unfinished = [
        text for text in lesson.locator(".jp-InputArea-prompt").all_inner_texts() if "[ ]" in text or "*" in text
    ]
    assert unfinished == []


def test_a_message_is_answered_word_by_word(chat):
    before = answers(chat)
    watch_lengths(chat)
    write(chat, "What is a llama?")
    chat.locator(".lc-chat-send").first.click()
    answer = wait_for_answer(chat, before + 1)
    assert answer
    assert len(set(chat.evaluate("window.lengths"))) > 2, "the answer came all at once"


def test_a_message_is_sent_with_the_keyboard_alone(chat):
    before = answers(chat)
    write(chat, "Say hello.")
    press_tab_until_on(chat, "lc-chat-send")
    chat.keyboard.press("Space")
    assert wait_for_answer(chat, before + 1)


def test_stop_ends_an_answer(chat):
    before = answers(chat)
    write(chat, "Write a long story about a village of llamas, with many chapters.")
    chat.locator(".lc-chat-send").first.click()
    chat.wait_for_function(has_answer_script(before + 1), timeout=ANSWER_TIMEOUT_MS)
    chat.locator(".lc-chat-stop").first.click()
    chat.locator(".lc-chat-status", has_text="Stopped.").first.wait_for(timeout=ANSWER_TIMEOUT_MS)
    stopped = last_answer(chat)
    chat.wait_for_timeout(1500)
    assert last_answer(chat) == stopped


def test_one_click_switches_to_the_miniature(chat):
    before = answers(chat)
    buttons = chat.locator(".lc-chat-menu button")
    assert [text.strip() for text in buttons.all_inner_texts()] == ["smollm2-135m-instruct", "tiny-chat"]
    buttons.filter(has_text="tiny-chat").click()
    write(chat, "Who are you?")
    chat.locator(".lc-chat-send").first.click()
    assert wait_for_answer(chat, before + 1)
    assert "Done" in chat.locator(".lc-chat-status").first.inner_text()
    buttons.filter(has_text="smollm2").click()


def test_markup_in_a_message_is_shown_as_text(chat):
    before = answers(chat)
    write(chat, "<b id='injected'>Hi</b>")
    chat.locator(".lc-chat-send").first.click()
    wait_for_answer(chat, before + 1)
    assert "<b id='injected'>Hi</b>" in chat.locator(".lc-chat-transcript").first.inner_text()
    assert chat.locator("#injected").count() == 0


def test_nothing_leaves_this_computer(lesson, requests):
    assert len(requests) > 10  # the page itself, and that we saw it being asked for
    hosts = {urlsplit(address).hostname for address in requests if not address.startswith(("data:", "blob:"))}
    assert hosts == {"127.0.0.1"}


# -- steps ---------------------------------------------------------------------------------------------------------


def wait_for_kernel(page) -> None:
    """Without this, Run All meets the dialog that asks for a kernel."""
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=RUN_TIMEOUT_MS)
    name = page.locator(".jp-NotebookPanel-toolbar .jp-KernelName, .jp-NotebookPanel-toolbar .jp-Toolbar-kernelName")
    name.filter(has_text="Python 3").first.wait_for(timeout=RUN_TIMEOUT_MS)
    wait_until_idle(page)


def wait_until_idle(page) -> None:
    page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').first.wait_for(
        timeout=RUN_TIMEOUT_MS, state="attached"
    )


def run_all_cells(page) -> None:
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name=re.compile("^Run All Cells")).click()
    page.locator(".lc-chat-input textarea").first.wait_for(timeout=RUN_TIMEOUT_MS)
    page.wait_for_function(
        "() => ![...document.querySelectorAll('.jp-InputArea-prompt')].some(p => p.innerText.includes('*'))",
        timeout=RUN_TIMEOUT_MS,
    )
    wait_until_idle(page)


def write(page, text: str) -> None:
    page.locator(".lc-chat-input textarea").first.click()
    page.keyboard.type(text)


def press_tab_until_on(page, css_class: str, most: int = 10) -> None:
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("name => document.activeElement.classList.contains(name)", css_class):
            return
    pytest.fail(f"Tab does not lead from the input to .{css_class}")


def answers(page) -> int:
    return page.locator(".lc-message-assistant").count()


def last_answer(page) -> str:
    return page.locator(".lc-message-assistant").last.inner_text().strip()


def has_answer_script(number: int) -> str:
    return (
        "() => { const all = document.querySelectorAll('.lc-message-assistant');"
        f" return all.length >= {number} && all[all.length - 1].innerText.trim().length > 20; }}"
    )


def wait_for_answer(page, number: int) -> str:
    """The text of the last answer once there are so many and the status says that it is complete."""
    page.wait_for_function(
        f"() => document.querySelectorAll('.lc-message-assistant').length >= {number}", timeout=ANSWER_TIMEOUT_MS
    )
    page.locator(".lc-chat-status", has_text="Done.").first.wait_for(timeout=ANSWER_TIMEOUT_MS)
    return last_answer(page)


def watch_lengths(page) -> None:
    """Note in window.lengths how long the last answer is whenever the page changes."""
    page.evaluate(
        """() => {
            window.lengths = [];
            new MutationObserver(() => {
                const all = document.querySelectorAll('.lc-message-assistant');
                if (all.length) window.lengths.push(all[all.length - 1].innerText.length);
            }).observe(document.body, {childList: true, subtree: true, characterData: true});
        }"""
    )
