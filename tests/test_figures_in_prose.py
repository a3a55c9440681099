"""Every figure, date and quotation in the prose of lessons 09, 12, 13 and 14 stands in a row of the data they use.

Prose is the markdown of the two masters of a lesson.  A *figure* is anything written with digits, and a number word
above ten.  Not figures, and left out by a rule below: numbers as words up to ten; numbers of lessons, exercises,
sections of a document and headings; the line on time and compute, and the line on difficulty and minutes; what stands
in code or in an address.  A *quotation* is what stands in quotation marks; write a word that is meant and not quoted in
*italics*.  The rows are those of the modules of ``llama_course.policy`` that the masters import, and of the modules in
``LESSONS`` that are used by way of others; what follows from a definition or is a size of the course's own model is in
``OWN``.  Rows hold many numbers, so that a wrong one may stand in a row by chance:
``SAID`` lists the few figures that each lesson's prose has, and ``COUNTED`` the small numbers, in words, that state a
fact.  Whoever adds one to the prose looks it up and adds it there.
"""

import ast
import importlib
import json
import re
from functools import cache
from pathlib import Path

import pytest

from llama_course import paths
from llama_course.models.catalog import DEFAULT_MODEL, find_card
from llama_course.policy import openness, timeline, user_clause

MASTERS = Path(__file__).parents[1] / "authoring"
LESSONS = {  # lesson: modules of the policy room whose rows it uses; those that it imports are added
    "09": ("claims", "clauses", "licences", "openness", "scenarios", "user_clause"),
    "12": ("claims",),
    "13": ("claims",),  # the heads quote the articles' claims
    "14": ("claims",),
}
SAID = {  # all figures and dates of a lesson's prose: that some other row happens to have one is no excuse for it
    "09": {"700000000", "12", "3", "llama 2", "llama 3", "apache 2.0"},  # gate; words of a headline; "Llama 2 and 3"
    "12": (
        {"8", "4", "3", "2", "16", "32", "65536"}  # bits; neighbours that share a step, and bits of a weight
        | {"13", "134500000", "135", "4", "24", "80", "7", "70", "10000000000"}  # GB, parameters, bytes, cards, models
        | {"0", "1", "15", "16", "255", "0.05", "3.5"}  # codes, and the numbers that are rounded
        | {"20", "12", "100", "llama 2", "apache 2.0"}  # recipes of lesson 10; pupils; times as large; names
    ),
    "13": {"2023", "2026", "1000000", "0", "1", "llama 2"},  # years of articles and course; tokens; scales
    "14": {"0", "1", "2", "llama 2"},  # points of a rubric
}
OWN = {  # figures that are computed here and stand in no row
    "12": lambda: (
        *(2**16, 2**8 - 1, 32, 0.05, 12),  # values of 16 bits, of a byte; a group; as in the first cells; age of pupils
        *(find_card(DEFAULT_MODEL).parameters // 100_000 * 100_000, find_card(DEFAULT_MODEL).name.split("-")[1]),
        find_card(DEFAULT_MODEL).licence.name,
    ),
}
COUNTED = {  # small numbers, in words, that say how something was: the lesson's words, and the number from the rows
    "09": {
        "It has {} criteria": lambda: len(openness.criteria()),
        "OSI named {}.": lambda: sum(row.by == "OSI" for row in openness.criteria()),
        "its {} marks": lambda: len(openness.DIMENSIONS),
        "All {} corners": lambda: sum(map(bool, openness.corners().values())),
        "all {} articles wrote it down": lambda: articles_that_say_it(),
        "which all {} use": lambda: articles_that_say_it(),
    },
    "13": {
        "{} days after Llama 2 seven firms promised": lambda: days_after_llama_2("white-house"),
        "Llama 2, {} days old": lambda: days_after_llama_2("white-house"),
        "days after Llama 2 {} firms promised": lambda: firms_that_promised(),
    },
}
FILES = {  # modules whose rows are not a ROWS
    "claims": ("articles", "claims", "quotations", "primary_evidence"),
    "may_i": ("licences", "clauses"),
    "deciding": ("scenarios",),
    "scenarios": ("scenarios",),
    "user_clause": (),
    "user_steps": (),
}
MONTHS = ("January February March April May June July August September October November December").split()
MONTH = "|".join(MONTHS)
SCALES = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
TENS = dict(zip("twenty thirty forty fifty sixty seventy eighty ninety".split(), range(20, 100, 10), strict=True))
TEENS = "eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
WORDS = dict(zip(TEENS, range(11, 20), strict=True)) | TENS | {"hundred": 100} | SCALES
UP_TO_TEN = "one two three four five six seven eight nine ten a an".split()
NO_FIGURES = (  # what is taken out of the prose before figures are looked for
    r"```.*?```|`[^`]*`",  # code
    r"\]\([^)]*\)|https?://\S+|\barXiv:\d{4}\.\d{4,5}",  # addresses
    r"^\*\*Time\.\*\*.*$|^\*\*Compute\.\*\*.*$|^\*\*Memory\.\*\*.*$",  # the head's line on time and compute
    r"^\*\*Difficulty\*\*.*$|\babout \d+ minutes\b",  # the line of an exercise, and their sum
    r"^#+ (Exercise )?[\d.]+( ·)?",  # numbers of headings
    r"\b([Ll]essons?|[Ee]xercises?|[Ss]olutions?) \d\d(\.\d)?((, | and | to |–)\d\d(\.\d)?)*",
    r"\b([Ss]ections?|[Pp]aragraphs?|[Ii]tems?|[Cc]lauses?|[Aa]rticles?|[Aa]nnex|[Cc]riteri(on|a)|[Tt]ables?|[Pp]oints?)"
    r" \d+(\.\w+)*(\(\w\))*((, | and | or | to )\d+(\.\w+)*(\(\w\))*)*",
    r"§+ ?\d+(\.\w+)*",
    r"\b\d+\.[a-z](\.[ivx]+)?\b",  # 1.b.v
    r"\bA[0-4]\b(\.\d+)?",  # the five articles and their claims
)


# -- reading prose -----------------------------------------------------------------------------------------------


def markdown_of(text: str) -> str:
    """The markdown cells of a master, lines joined as a reader sees them: paragraphs by line."""
    cells = re.split(r"^# %%", text, flags=re.M)[1:]
    lines = []
    for cell in cells:
        head, _, body = cell.partition("\n")
        if head.strip().startswith("[markdown]"):
            lines += [line.removeprefix("#").removeprefix(" ") for line in body.splitlines()] + [""]
    joined, open_paragraph = [], False
    for line in lines:
        starts = not line.strip() or (re.match(r"\s*([-*#|>]|\d+\.) ?", line) and not line.startswith("**"))
        if open_paragraph and not starts:
            joined[-1] += " " + line.strip()
        else:
            joined.append(line)
        open_paragraph = bool(line.strip()) and not line.startswith("#")
    return "\n".join(joined)


def dates_in(text: str) -> set[str]:
    """Dates and months, as 2023-07-18 and 2023-07."""
    found = set()
    for day, month, year in re.findall(rf"\b(\d{{1,2}}) ({MONTH}) (\d{{4}})\b", text):
        found.add(f"{year}-{MONTHS.index(month) + 1:02d}-{int(day):02d}")
    for month, day, year in re.findall(rf"\b({MONTH}) (\d{{1,2}}), (\d{{4}})\b", text):
        found.add(f"{year}-{MONTHS.index(month) + 1:02d}-{int(day):02d}")
    for month, year in re.findall(rf"(?<!\d )\b({MONTH}) (\d{{4}})\b", text):
        found.add(f"{year}-{MONTHS.index(month) + 1:02d}")
    return found | set(re.findall(r"\b\d{4}-\d\d-\d\d\b", text)) | set(re.findall(r"\b\d{4}-\d\d\b(?!-\d)", text))


DATE = (
    rf"\b\d{{1,2}} ({MONTH}) \d{{4}}\b|\b({MONTH}) \d{{1,2}}, \d{{4}}\b|\b({MONTH}) \d{{4}}\b"
    r"|\b\d{4}-\d\d(-\d\d)?\b|\b\d{1,2} (" + MONTH + r")\b"
)
NUMBER = r"\d[\d,_]*(?:\.\d+)?(?:e[+-]?\d+)?"
NAME = r"\b(?:Llama|LLaMA|GPT|PaLM|Claude|Mistral|Apache|Falcon|Pythia|MPT|OSAID|Gemma)[- ]?v?\d+(?:\.\d+)*\w*"


def figures_in(text: str) -> set[str]:
    """Numbers as plain decimal texts: digits with their scale, names with a number, number words above ten."""
    found = {name.casefold().replace("-", " ") for name in re.findall(NAME, text)}
    rest = re.sub(NAME, " ", text)
    rest = re.sub(DATE, " ", rest)
    for digits, scale in re.findall(rf"(?<![\w.])({NUMBER})(?: (thousand|million|billion|trillion)\b)?", rest):
        found.add(_plain(float(digits.replace(",", "").replace("_", "")) * SCALES.get(scale, 1)))
    spelled = rf"\b(?:(\w+) )?({'|'.join(TEENS + list(TENS) + ['hundred'] + list(SCALES))})(?:-(\w+))?\b"
    for before, word, after in re.findall(spelled, re.sub(rf"{NUMBER} ({'|'.join(SCALES)})", " ", rest), re.I):
        value = WORDS[word.casefold()]
        if value >= 100 and before.casefold() in UP_TO_TEN:
            value *= max(1, (UP_TO_TEN.index(before.casefold()) + 1) % 11)
        ones = UP_TO_TEN[:9]
        found.add(_plain(value + (ones.index(after.casefold()) + 1 if after.casefold() in ones else 0)))
    return found


def _plain(number: float) -> str:
    return f"{number:.12g}"


def quotations_in(text: str) -> list[str]:
    """What stands in curly or straight double quotation marks."""
    return [a or b for a, b in re.findall(r'“([^”]+)”|(?<!\w)"([^"\n]+)"', text)]


def letters(text: str) -> str:
    """Text for comparison: one blank, straight marks, no capitals, no stop at the end."""
    straight = text.translate(str.maketrans("“”‘’", "\"\"''"))
    return re.sub(r"\s+", " ", straight).casefold().strip(" .,;:!?")


def without_what_is_no_figure(prose: str) -> str:
    for pattern in NO_FIGURES:
        prose = re.sub(pattern, " ", prose, flags=re.M | re.S if pattern.startswith("```") else re.M)
    return prose


# -- reading rows ------------------------------------------------------------------------------------------------


def modules_of(*masters: str) -> set[str]:
    """Modules of the policy room, and rooms above it that hold rows, that masters import."""
    found = set()
    for text in masters:
        code = "\n".join(
            body for head, _, body in (c.partition("\n") for c in re.split(r"^# %%", text, flags=re.M)[1:])
            if not head.strip().startswith("[markdown]")
        )  # fmt: skip
        for node in ast.walk(ast.parse(re.sub(r"^%.*$", "", code, flags=re.M))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("llama_course.policy"):
                parts = node.module.split(".")
                found |= {parts[2]} if len(parts) > 2 else {alias.name for alias in node.names}
    return found


@cache
def rows_of(module: str) -> str:
    """All that the rows of a module say, as one text."""
    texts = [paths.data_file(f"policy/{name}.json").read_text(encoding="utf-8") for name in FILES.get(module, ())]
    if module == "user_clause":
        texts.append(f"{user_clause.RELEASE_DATE} {user_clause.GATE}")
    rows = getattr(importlib.import_module(f"llama_course.policy.{module}"), "ROWS", None)
    if rows is not None:
        texts.append(rows.path.read_text(encoding="utf-8"))
    return "\n".join(" · ".join(_leaves(json.loads(text))) if text.lstrip().startswith("{") else text for text in texts)


def _leaves(value) -> list[str]:
    if isinstance(value, dict):
        return [one for key, inner in value.items() for one in [str(key), *_leaves(inner)]]
    if isinstance(value, list):
        return [one for inner in value for one in _leaves(inner)]
    if isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool)):
        return [_plain(value)]
    return [str(value)]


@cache
def known_in(rows: str) -> tuple[str, frozenset, frozenset]:
    """Words, dates and months, and figures of the rows."""
    dates = dates_in(rows)
    figures = figures_in(rows) | {day[:4] for day in dates}
    figures |= {_plain(float(part)) for part in re.findall(r"\d+(?:\.\d+)?", rows.replace(",", ""))}
    return letters(rows), frozenset(dates | {day[:7] for day in dates}), frozenset(figures)


def what_no_row_has(prose: str, rows: str) -> list[str]:
    """Figures, dates and quotations of a prose that stand nowhere in the rows."""
    words, dates, figures = known_in(rows)
    faults = [f"quotation “{quote}”" for quote in quotations_in(_without_code(prose)) if letters(quote) not in words]
    bare = without_what_is_no_figure(prose)
    for quote in quotations_in(bare):
        bare = bare.replace(quote, " ")  # checked as a whole
    faults += [f"date {day}" for day in sorted(dates_in(bare)) if day not in dates]
    days = {f"{int(day[8:])} {MONTHS[int(day[5:7]) - 1]}" for day in dates if len(day) == 10}
    for day in re.findall(rf"\b(\d{{1,2}} (?:{MONTH}))\b(?! \d{{4}})", bare):
        if day not in days and day not in rows:
            faults.append(f"day {day}")
    return faults + [f"figure {one}" for one in sorted(figures_in(bare)) if one not in figures]


def said_in(prose: str) -> set[str]:
    """All figures and dates of a prose, quotations left out."""
    bare = without_what_is_no_figure(prose)
    for quote in quotations_in(bare):
        bare = bare.replace(quote, " ")
    return figures_in(bare) | dates_in(bare) | set(re.findall(rf"\b\d{{1,2}} (?:{MONTH})\b", bare))


def articles_that_say_it() -> int:
    return sum(row.id[0] == "A" and row.counts["times"] > 0 for row in openness.mentions())


def days_after_llama_2(event: str) -> int:
    return (timeline.event(event).day - timeline.event("llama-2").day).days


def firms_that_promised() -> int:
    """The row says it in words: "Seven firms, Meta among them"."""
    return UP_TO_TEN.index(timeline.event("white-house").plain.split()[0].casefold()) + 1


def _without_code(prose: str) -> str:
    for pattern in NO_FIGURES[:2]:
        prose = re.sub(pattern, " ", prose, flags=re.M | re.S)
    return prose


def masters_of(lesson: str) -> list[Path]:
    return sorted(MASTERS.glob(f"*/{lesson}_*.py"))


@cache
def prose_and_rows(lesson: str) -> tuple[str, str]:
    texts = [path.read_text(encoding="utf-8") for path in masters_of(lesson)]
    modules = modules_of(*texts) | set(LESSONS[lesson])
    rows = [rows_of(name) for name in sorted(modules)] + [str(one) for one in OWN.get(lesson, tuple)()]
    return "\n".join(map(markdown_of, texts)), "\n".join(rows)


# -- the tests ---------------------------------------------------------------------------------------------------


@pytest.fixture(params=LESSONS)
def lesson(request) -> str:
    if not masters_of(request.param):
        pytest.skip(f"lesson {request.param} is not there yet")
    return request.param


def test_every_figure_date_and_quotation_stands_in_a_row(lesson):
    assert what_no_row_has(*prose_and_rows(lesson)) == []


def test_a_lesson_says_its_own_figures_and_no_others(lesson):
    """A number that was changed into one of another row is not in the table: look it up, then change the table."""
    assert said_in(prose_and_rows(lesson)[0]) == SAID[lesson]


@pytest.mark.parametrize(("lesson_id", "words"), [(one, words) for one, table in COUNTED.items() for words in table])
def test_small_numbers_in_words_are_those_of_the_rows(lesson_id, words):
    number = UP_TO_TEN[COUNTED[lesson_id][words]() - 1]
    wanted = words.format(number.capitalize() if words.startswith("{}") else number)
    assert wanted in " ".join(prose_and_rows(lesson_id)[0].split())


CHANGED = {  # lesson: true words of its prose, and what somebody makes of them that stands in another row
    "09": [("The 700 million", "The 800 million"), ("Llama 2 and 3 ", "Llama 2 and 4 "), ("twelve words", "15 words")],
    "12": [("134.5 million", "165 million"), ("a card of 80 GB", "a card of 48 GB"), ("twenty recipes", "48 recipes")],
    "13": [("in 2023", "in 2024"), ("of 2026", "of 2025")],
    "14": [("2 for convincing", "3 for convincing")],
}


@pytest.mark.parametrize(("lesson_id", "pair"), [(one, pair) for one, pairs in CHANGED.items() for pair in pairs])
def test_a_figure_changed_into_one_of_another_row_is_found(lesson_id, pair):
    prose, _ = prose_and_rows(lesson_id)
    assert pair[0] in prose
    assert said_in(prose.replace(*pair)) != SAID[lesson_id]


PLANTED = {
    "It came on 16 July 2023.": "date 2023-07-16",
    "It came on July 9, 2023.": "date 2023-07-09",
    "That was in May 1987.": "date 1987-05",
    "On 31 February nothing happened.": "day 31 February",
    "Firms with 701 million users ask.": "figure 701000000",
    "It has 12345 clauses.": "figure 12345",
    "A share of 87.65 % of them.": "figure 87.65",
    "Some 417,000 people signed.": "figure 417000",
    "They built Llama 17.": "figure llama 17",
    "He said “we never wrote this anywhere at all”.": "quotation “we never wrote this anywhere at all”",
    'She said "nor was this ever written".': "quotation “nor was this ever written”",
}


@pytest.mark.parametrize("sentence", PLANTED)
def test_what_is_planted_in_a_lesson_is_found(lesson, sentence):
    prose, rows = prose_and_rows(lesson)
    found = what_no_row_has(f"{prose}\n{sentence}\n", rows)
    assert set(found) - set(what_no_row_has(prose, rows)) == {PLANTED[sentence]}


LEFT_OUT = (
    "See lesson 07 and lessons 13 and 14.",
    "**Time.** 987 minutes. **Compute.** 654 s on two CPU cores. **Memory.** 9.87 GiB.",
    "**Difficulty** 2 of 4 · **Minutes** 987 · **For** nothing",
    "## 99. A heading",
    "Section 98.b.v, clauses 97 and 96, §95, item 94.3: nine, ten, two.",
    "`x = 987` and [arXiv:9876.54321](https://example.org/987654).",
    "Article A3 and claim A3.14.",
)


@pytest.mark.parametrize("sentence", LEFT_OUT)
def test_what_is_no_figure_is_left_out(sentence):
    assert what_no_row_has(sentence, "no rows at all") == []


def test_figures_are_read_in_all_their_forms():
    said = "700 million, 700,000,000, 36 %, 31.5, 8.3e23, two hundred, fifteen, thirty-two, Llama 3.1"
    wanted = {"700000000", "36", "31.5", "8.3e+23", "200", "15", "32", "llama 3.1"}
    assert figures_in(said) == wanted


def test_number_words_above_ten_are_figures():
    assert what_no_row_has("Seventy-three of ten articles told it.", "no rows") == ["figure 73"]


def test_prose_is_markdown_alone_and_lines_are_joined():
    master = '# %% [markdown]\n# One\n# line “of\n# words”.\n#\n# - point\n\n# %%\nprint("not 5 prose")\n'
    assert markdown_of(master).split("\n")[:3] == ["One line “of words”.", "", "- point"]
    assert quotations_in(markdown_of(master)) == ["of words"]


def test_lesson_09_uses_what_the_table_names():
    texts = [path.read_text(encoding="utf-8") for path in masters_of("09")]
    assert set(LESSONS["09"]) <= modules_of(*texts)
