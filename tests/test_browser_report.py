"""In a real browser: the report is laid out, fits a small screen and a sheet of paper, and asks for nothing."""

import datetime
import os
import shutil

import pytest

from llama_course.release.drafts import PARTS
from llama_course.release.measuring import recorded
from llama_course.release.publishing import publish
from llama_course.release.report import report_html
from llama_course.release.samples import sample
from test_browser import BROWSERS, QUIET

pytestmark = pytest.mark.slow
NARROW = 320  # pixels, as a page of 1,280 enlarged four times


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        missing = f"no browser found (looked for {', '.join(BROWSERS)}); on Debian: apt-get install chromium"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    from playwright.sync_api import sync_playwright

    folder = tmp_path_factory.mktemp("report")
    published = publish(sample("strong"), recorded("tiny-chat"), folder, date=datetime.date(2026, 11, 23))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        page = browser.new_page(viewport={"width": 1000, "height": 900})
        page.asked, page.said = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("console", lambda message: page.said.append(message.text))
        page.goto(published.report.as_uri())
        yield page
        browser.close()


def test_it_asks_for_itself_alone_and_says_nothing(page):
    assert len(page.asked) == 1 and page.asked[0].endswith("/report.html") and page.said == []


def test_a_screen_reader_meets_title_landmarks_and_tables(page):
    assert page.title() == "Release report: Village Guide 1.0"
    assert page.get_by_role("heading", level=1).count() == 1
    for landmark in ("banner", "navigation", "main", "contentinfo"):
        assert page.get_by_role(landmark).count() == 1, landmark
    assert page.get_by_role("table", name="Each claim beside what the run says.").count() == 1
    assert page.get_by_role("img").count() == 1
    assert page.get_by_role("rowheader").count() > 30 and page.get_by_role("columnheader").count() > 10


def test_tab_reaches_the_skip_link_first_and_it_leads_to_the_report(page):
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#report"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_ink_and_paper_differ_enough(page, scheme):
    page.emulate_media(color_scheme=scheme)
    for selector in ("p", "caption", "td"):
        ratio = page.evaluate(CONTRAST, selector)
        assert ratio >= 4.5, f"{selector} in {scheme}: {ratio:.1f}"
    page.emulate_media(color_scheme="light")


def test_a_narrow_screen_needs_no_scrolling_to_the_side(page):
    page.set_viewport_size({"width": NARROW, "height": 600})
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW
    page.set_viewport_size({"width": 1000, "height": 900})


def test_no_word_of_a_table_is_torn_on_a_wide_screen(page):
    height = page.evaluate("Math.max(...[...document.querySelectorAll('thead th')].map(cell => cell.offsetHeight))")
    assert height < 60, "a heading of a column was broken into letters"


def test_it_prints_on_paper_without_what_is_for_the_screen(page):
    page.emulate_media(media="print")
    assert not page.get_by_role("navigation").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    paper = page.pdf(format="A4")
    assert paper.startswith(b"%PDF") and 3 <= paper.count(b"/Type /Page\n") <= 12
    page.emulate_media(media="screen")


def test_markup_of_a_learner_stays_text(page, tmp_path):
    draft = sample("strong").with_text(
        **dict.fromkeys(PARTS, "<h1 id=injected>Hi</h1><script>document.title='x'</script>")
    )
    (tmp_path / "nasty.html").write_text(report_html(draft, recorded("tiny-chat"), "today"), encoding="utf-8")
    page.goto((tmp_path / "nasty.html").as_uri())
    assert page.locator("#injected").count() == 0 and page.title() != "x"
    assert "<script>document.title='x'</script>" in page.locator("main").inner_text()


CONTRAST = """selector => {
  const light = c => { const v = c.match(/[\\d.]+/g).slice(0, 3).map(n => n / 255)
    .map(n => n <= 0.03928 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4);
    return 0.2126*v[0] + 0.7152*v[1] + 0.0722*v[2] };
  const ink = light(getComputedStyle(document.querySelector(selector)).color);
  const paper = light(getComputedStyle(document.body).backgroundColor);
  return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
}"""
