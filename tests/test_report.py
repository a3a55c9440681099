"""The report: one page that needs nothing but itself, readable by whoever reads it, with every text escaped."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from llama_course.release.drafts import PARTS
from llama_course.release.measuring import Sample, recorded
from llama_course.release.quantities import QUANTITIES
from llama_course.release.report import clean, outline, report_html
from llama_course.release.samples import sample

VOID = {"meta", "link", "br", "img", "line", "circle"}
NASTY = '<script>alert(1)</script><img src=x onerror="a()">&quot; \u202e \x00 "\''


class Page(HTMLParser):
    """Everything a test wants to know of a page, and whether its tags close in order."""

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.faults: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    def named(self, tag: str) -> list[dict]:
        return [attrs for name, attrs in self.tags if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def measured():
    return recorded("tiny-chat")


@pytest.fixture(scope="module")
def text(measured):
    return report_html(sample("strong"), measured, "23 November 2026")


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def test_tags_close_in_order(page):
    assert page.faults == [] and page.open == []


def test_there_is_one_h1_and_no_level_is_skipped(text):
    levels = [level for level, _ in outline(text)]
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_language_title_and_viewport_are_there(page, text):
    assert page.named("html") == [{"lang": "en"}] and text.startswith("<!DOCTYPE html>")
    assert {"charset": "utf-8"} in page.named("meta") and any(m.get("name") == "viewport" for m in page.named("meta"))
    assert "Release report: Village Guide 1.0" in page.text


def test_nothing_runs_and_nothing_is_fetched(page, text):
    assert not {"script", "iframe", "object", "embed", "form", "link", "img", "base"} & {tag for tag, _ in page.tags}
    assert all(a["href"].startswith("#") for a in page.named("a"))
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on") or name == "src"]
    assert "url(" not in text and "@import" not in text and "http://" not in text and "https://" not in text
    (policy,) = [m["content"] for m in page.named("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in policy


def test_ids_are_unique_and_links_lead_to_them(page):
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for a in page.named("a")} <= set(ids)
    assert {attrs["aria-labelledby"] for attrs in page.named("section")} <= set(ids)


def test_tables_have_captions_and_headings_with_a_scope(page, text):
    assert len(page.named("table")) == len(page.named("caption")) >= 5
    assert {attrs.get("scope") for attrs in page.named("th")} == {"row", "col"}
    regions = [attrs for attrs in page.named("div") if attrs.get("class") == "scroll"]
    assert len(regions) == len(page.named("table")) and all(a["tabindex"] == "0" and a["aria-label"] for a in regions)


def test_a_filled_figure_leads_to_the_row_that_says_what_it_is_of(text, measured):
    assert '<a href="#measured-ignorance">41 of 76' in text and '<tr id="measured-ignorance">' in text
    assert all(text.count(f'<tr id="measured-{name}">') == 1 for name in measured.results)
    draft = sample("strong").with_text(summary="In all, {told} and {parameters} & {nothing}.")
    page = report_html(draft, measured, "today")
    assert '<a href="#measured-told_attacked">1 of 40' in page
    assert "1,240,480 parameters &amp; {nothing}" in page and "#measured-parameters" not in page


def test_the_picture_says_what_it_shows(page, measured):
    (picture,) = page.named("svg")
    assert picture["role"] == "img"
    for name, result in measured.results.items():
        assert f"{QUANTITIES[name].plain} {result.interval.percent()}" in picture["aria-label"]


def test_it_can_be_printed_and_read_in_the_dark(text):
    assert "@media print" in text and "prefers-color-scheme:dark" in text


def test_every_figure_and_every_part_is_in_it(page, measured):
    for result in measured.results.values():
        assert str(result) in page.text
    for row in measured.panel:
        assert row["family"] in page.text
    for name, part in PARTS.items():
        assert part.heading in page.text or name == "summary"
    assert "{" not in page.text, "a place was not filled"
    assert " ".join(re.findall(".{1,8}", measured.identity["sha256"])) in page.text


def test_every_claim_stands_beside_its_verdict(page):
    assert page.text.count("✓ supported") == len(sample("strong").claims)


def test_texts_of_people_and_models_are_escaped(measured):
    draft = replace(sample("strong"), name=NASTY, version=NASTY).with_text(**dict.fromkeys(PARTS, NASTY))
    nasty = replace(measured, samples=(Sample("facts_read", NASTY, NASTY, NASTY),))
    nasty = replace(nasty, identity={**measured.identity, "name": NASTY})
    text = report_html(draft, nasty, NASTY)
    page = Page(text)
    assert not page.named("script") and not page.named("img") and page.faults == []
    assert "<script>alert(1)</script>" in page.text
    assert "\x00" not in text and "\u202e" not in text


def test_other_scripts_and_line_breaks_stay():
    assert clean("라마\n<b>\"'") == "라마\n&lt;b&gt;&quot;&#x27;" and clean("\ud800x") == "x"


def test_the_outline_is_text(text):
    assert (1, "Release report: Village Guide 1.0") in outline(text) and len(outline(text)) > 20
