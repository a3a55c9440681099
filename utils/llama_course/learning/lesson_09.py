"""Checks of the exercises of lesson 09, licensing."""

import re

from llama_course.learning.checks import (
    describe,
    exercise,
    expect,
    expect_equal,
    expect_function,
    expect_parts,
    expect_raises,
    expect_type,
)

TEXT = """You may use the old bridge, and the non-
transferable right to sing on it. “Singing”
means  any sound that the bridge's owner calls a song."""
MOST_WORDS, FEWEST_WORDS, FEWEST_IN_REASONS = 12, 8, 12
NOT_IN_HEADLINE = ("open source", "open-source", "open sourc", "anyone", "everyone", "everybody", "anybody")
LIMITS = r"limit|restrict|condition|strings|rules|licen[cs]|permission|exception|terms|forbid|not for|but|unless"


@exercise("09.1", title="Word for word", difficulty=2, minutes=10)
def check_09_1(stands_in):
    expect_function(stands_in, "quote, text")

    def of(quote, text=TEXT):
        got = stands_in(quote, text)
        expect(isinstance(got, bool), f"expected True or False, got {describe(got)}.")
        return got

    expect(of("You may use the old bridge"), "a quote that begins the text was not found.")
    expect(not of("You may use the new bridge"), "one word was changed, and yours still finds the quote.")
    expect(
        of("right to sing on it. “Singing” means any sound"),
        "a quote across a line break was not found: make every run of blanks and line breaks one blank, on both sides.",
    )
    expect(of("means any sound"), "two blanks in the text count as one.")
    expect(
        of("the non-transferable right"),
        "a word that goes on after a hyphen at the end of a line was not found.",
    )
    expect(
        of('"Singing" means') and of("the bridge’s owner"),
        "curly and straight marks are the same, apostrophes among them.",
    )
    expect(not of("you may use"), "capitals count: “you” does not stand there.")
    expect(
        not of("ou may use the old brid"),
        "half words were found: a quote begins and ends with whole words.",
    )
    expect(not of("") and not of("  "), "an empty quote stands nowhere.")
    expect(not of("the bridge. the owner", "the bridge; the owner"), "punctuation was ignored, or a dot matched all.")
    expect(of("a well-known song", "a well-known song"), "a hyphen inside a line was lost.")
    return "word for word, wherever the lines break."


@exercise("09.2", title="A headline that holds", difficulty=1, minutes=6)
def check_09_2(headline):
    expect_function(headline)
    got = headline()
    expect_type(got, str, "the headline")
    words = got.split()
    expect(3 <= len(words) <= MOST_WORDS, f"yours has {len(words)} words; write 3 to {MOST_WORDS}.")
    expect("llama 2" in got.casefold(), "it does not name Llama 2.")
    used = [word for word in NOT_IN_HEADLINE if word in got.casefold()]
    expect(not used, f"it says “{used[0] if used else ''}”, which the licence does not bear out.")
    expect(
        re.search(LIMITS, got, re.I) is not None,
        "it does not say that there are limits: a word such as licence, limits, conditions or rules is missing.",
    )
    return "the form is right. Would a reader of section 2 fault it? Ask your neighbour."


@exercise("09.3", title="Pupils of a Llama", difficulty=3, minutes=15)
def check_09_3(may_teach):
    expect_function(may_teach, "teacher, pupil, passed_on, name")

    def of(teacher, pupil, passed_on, name, why, verdict):
        got = may_teach(teacher, pupil, passed_on, name)
        expect(got in ("allowed", "forbidden"), f'expected "allowed" or "forbidden", got {describe(got)}.')
        expect(
            got == verdict, f"{teacher} teaches {pupil}, {'passed on as ' + name if passed_on else 'at home'}: {why}"
        )

    of("Llama 2", "Mistral", False, "", "1.b.v speaks of use, and asks nothing about passing on.", "forbidden")
    of("Llama 2", "Llama 2", True, "Breeze", "its own family is excepted, and Llama 2 has no rule on names.", "allowed")
    of("Llama 2", "Llama 3", False, "", "the brackets except Llama 2 and its derivatives, no other Llama.", "forbidden")
    of("Llama 3", "Mistral", True, "Llama 3 Breeze", "a good name does not lift 1.b.v.", "forbidden")
    of("Llama 3", "Llama 3", False, "Breeze", "the rule on names holds where something is passed on.", "allowed")
    of("Llama 3", "Llama 3", True, "Breeze", "the name has to begin as 1.b.i says.", "forbidden")
    of("Llama 3", "Llama 3", True, "Llama Breeze", "look at the exact words that the name begins with.", "forbidden")
    of("Llama 3", "Llama 3", True, "Llama 3 Breeze", "its own family, and the right beginning.", "allowed")
    of("Llama 3.1", "Mistral", False, "Breeze", "1.b.v is gone, and nothing is passed on.", "allowed")
    of("Llama 3.1", "Mistral", True, "Breeze", "outputs are enough for the rule on names here.", "forbidden")
    of("Llama 3.1", "Mistral", True, "Breeze-Llama", "at the beginning of the name, says the clause.", "forbidden")
    of("Llama 3.1", "Mistral", True, "Llama-Breeze", "the name begins as it should.", "allowed")
    of("Llama 3.1", "Llama 3.1", True, "Breeze", "its own family has no exception from the name.", "forbidden")
    expect_raises(lambda: may_teach("Llama 9", "Mistral", False, ""), ValueError, "a teacher that is none of the three")
    try:
        may_teach("Llama 9", "Mistral", False, "")
    except ValueError as error:
        expect("Llama 3.1" in str(error), "the error should list the three teachers.")
    return "three licences, three answers to one question."


@exercise("09.4", title="Which fact decides?", difficulty=3, minutes=15)
def check_09_4(deciding_facts):
    expect_function(deciding_facts, "ask, facts, others")

    def ask(facts):
        if facts["use"] == "war":
            return "forbidden"
        return "ask" if facts["users"] > 7 and facts["then"] else "allowed"

    def of(facts, others):
        before = dict(facts), {name: list(values) for name, values in others.items()}
        got = deciding_facts(ask, facts, others)
        expect_type(got, dict, "what decides")
        expect((facts, {n: list(v) for n, v in others.items()}) == before, "what was handed in was changed.")
        return got

    plan = {"use": "peace", "users": 3, "then": False, "colour": "red"}
    others = {"use": ["war", "peace"], "users": [9, 10], "then": [True], "colour": ["blue"]}
    expect_equal(
        of(plan, others),
        {"use": 1},
        "One fact of four decides alone",
        [
            ({"use": 1, "then": 1, "colour": 1}, "changes stayed while the next were tried: one fact at a time"),
            ({"use": 1, "users": 0, "then": 0, "colour": 0}, "facts that change nothing are left out"),
            ({"use": 2}, "a value that leaves the verdict as it is was counted"),
            ({"use": True}, "how many values, not whether one"),
        ],
    )
    expect_equal(of(plan | {"then": True}, others), {"use": 1, "users": 2}, "With `then` true, from 3 users")
    expect_equal(of(plan | {"use": "war"}, others), {"use": 1}, "Beginning with a plan that is forbidden")
    expect_equal(of(plan, {}), {}, "Without other values")
    return "one change at a time; some facts decide only together."


@exercise("09.5", title="On the edge", difficulty=3, minutes=12)
def check_09_5(on_the_edge):
    from llama_course.policy.may_i import may_i
    from llama_course.policy.scenarios import Scenario, contradictions, scenarios

    expect_function(on_the_edge)
    got = on_the_edge()
    expect_parts(got, ("plan", "allowed_because", "forbidden_because"), "your answer")
    plan = got["plan"]
    expect(isinstance(plan, Scenario), f"the plan is made with scenario(…); got {describe(plan)}.")
    wrong = contradictions(plan)
    expect(not wrong, f"the plan contradicts itself: {'; '.join(wrong)}.")
    answer = may_i(plan)
    expect(answer.verdict == "unclear", f"may_i says “{answer.verdict}”, so the words do decide it.")
    asked = [one.why for one in answer.deciding if one.effect == "missing"]
    expect(not asked, f"it is open only because facts are missing: {'; '.join(asked)}")
    known = {row.id for row in scenarios().values() if row.plan == plan}
    expect(not known, f"that plan is in the lesson’s collection: {', '.join(known)}.")
    for name in ("allowed_because", "forbidden_because"):
        expect_type(got[name], str, name)
        expect(len(got[name].split()) >= FEWEST_WORDS, f"{name}: write at least {FEWEST_WORDS} words.")
    same = got["allowed_because"].strip().casefold() == got["forbidden_because"].strip().casefold()
    expect(not same, "both reasons are the same: argue each side.")
    return f"open because of {', '.join(answer.clauses)}. Whether your reasons use its words is for a person."


@exercise("09.6", title="A licence for tiny-chat", difficulty=4, minutes=20)
def check_09_6(my_licence):
    from llama_course.policy.licences import terms
    from llama_course.policy.may_i import may_i
    from llama_course.policy.scenarios import scenarios

    expect_function(my_licence)
    got = my_licence()
    expect_parts(got, ("licence", "allows", "stops", "reason", "against"), "your choice")
    licence = terms(got["licence"]).id
    plans = {name: row for name, row in scenarios().items() if row.plan.model == "Llama 2"}
    verdicts = {name: may_i(row.plan, under=licence).verdict for name, row in plans.items()}
    for name, wanted in (("allows", True), ("stops", False)):
        if name == "stops" and got[name] is None:
            expect(
                "forbidden" not in verdicts.values(),
                f"{licence} does stop some plans of the table: find one whom you would have liked to help.",
            )
            continue
        expect(got[name] in plans, f"{name}: there is no plan {describe(got[name])} in the table.")
        is_allowed = verdicts[got[name]] == "allowed"
        said = f"{name}: under {licence} the plan {got[name]!r} is “{verdicts[got[name]]}”."
        expect(is_allowed == wanted, f"{said} Look along its row again.")
    for name in ("reason", "against"):
        expect_type(got[name], str, name)
        count = len(got[name].split())
        expect(count >= FEWEST_IN_REASONS, f"{name}: {count} words; write at least {FEWEST_IN_REASONS}.")
    expect(got["reason"].strip() != got["against"].strip(), "a reason is no reason against: say both.")
    return "the facts hold. Now defend it against somebody who chose another licence."
