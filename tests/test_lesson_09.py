"""Lesson 09: what its prose concludes holds in the data."""

import re
from pathlib import Path

from llama_course.learning import lesson_09
from llama_course.policy.claims import claim
from llama_course.policy.clauses import clauses
from llama_course.policy.deciding import deciding_clauses, told_by, what_breaks
from llama_course.policy.may_i import may_i
from llama_course.policy.openness import criteria
from llama_course.policy.scenarios import scenario, scenarios

MASTER = (Path(__file__).parents[1] / "authoring" / "lessons" / "09_licensing.py").read_text(encoding="utf-8")
TOLD = scenarios()


def test_the_eight_plans_are_as_the_prose_says():
    wanted = {"essay-as-own": "forbidden", "start-up-grows": "allowed", "shop-chat": "allowed", "army": "forbidden",
              "teach-other": "forbidden", "safety-out-2": "allowed", "timetable": "unclear",
              "fine-tune-bare": "forbidden"}  # fmt: skip
    assert {name: may_i(TOLD[name].plan).verdict for name in wanted} == wanted
    assert all(f'"{name}"' in MASTER for name in wanted)


def test_the_clauses_that_decide_most_were_told_by_no_article():
    counts = deciding_clauses(row for row in TOLD.values() if row.plan.model == "Llama 2")
    first, second = list(counts)[:2]
    assert not told_by(first) and not told_by(second)
    assert sum(not told_by(name) for name in counts) > len(counts) / 2


def test_growing_breaks_nothing_and_bare_weights_most():
    broken = what_breaks(row.plan for row in TOLD.values())
    assert broken[0].change.startswith("changed weights") and broken[-1].broken == 0
    assert broken[-1].change.startswith("it gets 900 million")


def test_later_llamas_are_freer_and_stricter():
    facts = {"who": "company", "region": "elsewhere", "users": 5, "business": True, "field": "ordinary",
             "outputs_for": "nothing", "passes_on": "nothing"}  # fmt: skip

    def row(**other):
        names = ("Llama 2", "Llama 3", "Llama 3.1", "Llama 3.2 vision", "Llama 4")
        return [may_i(scenario(name, **facts | other)).verdict == "allowed" for name in names]

    assert row(region="EU") == [True, True, True, False, False]
    assert row(outputs_for="another language model") == [False, False, True, True, True]
    assert row(field="removing the safety tuning") == [True, True, True, False, False]


def test_rail_allows_armies_and_forbids_what_metas_policy_does_not():
    for name, metas, rails in (("army", "forbidden", "allowed"), ("clinic", "allowed", "forbidden"),
                               ("adverts", "unclear", "forbidden")):  # fmt: skip
        assert may_i(TOLD[name].plan).verdict == metas and may_i(TOLD[name].plan, under="RAIL").verdict == rails


def test_a_free_licence_forbids_only_what_lacks_a_file_and_leaves_open_only_what_lacks_a_fact():
    for licence in ("Apache-2.0", "MIT"):
        answers = [may_i(row.plan, under=licence) for row in TOLD.values() if row.plan.model == "Llama 2"]
        found = {one.why.split(" without ")[0] for row in answers if row.verdict == "forbidden" for one in row.deciding}
        assert found == ({"changed weights"} if licence == "Apache-2.0" else set())
        for row in answers:
            if row.verdict == "unclear":
                assert all(one.effect == "missing" or "contradiction" in one.why for one in row.deciding)


def test_two_articles_doubt_the_word():
    assert "doesn’t classify the project as fully open source" in claim("A2.12").quote
    assert "akin to open source" in claim("A4.10").quote


def test_osi_named_two_criteria():
    assert sum(row.by == "OSI" for row in criteria()) == 2


def test_the_explorer_finds_what_the_prose_searches_for():
    for word in re.findall(r"Search for \*(\w+)\*, then for \*(\w+)\*", MASTER.replace("\n# ", " "))[0]:
        assert clauses(licence="Llama 2", text=word)


def test_other_right_answers_pass():
    def with_a_loop(ask, facts, others):
        counts = {}
        for name in others:
            for value in others[name]:
                if ask(dict(facts) | {name: value}) != ask(dict(facts)):
                    counts[name] = counts.get(name, 0) + 1
        return counts

    assert lesson_09.check_09_4(with_a_loop)
    assert lesson_09.check_09_2(lambda: "Llama 2 is out: free for most, under Meta’s own rules")
    mit = {"licence": "MIT", "allows": "army", "stops": None, "reason": "so " * 12, "against": "no " * 12}
    assert lesson_09.check_09_6(lambda: mit)
