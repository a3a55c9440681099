"""Typical mistakes in the exercises of lesson 09: (exercise, wrong answer, words that only this mistake is told)."""

import re


def by_substring(quote, text):
    return bool(quote) and quote in text


def without_hyphens(quote, text):
    def plain(words):
        return " ".join(words.translate(str.maketrans("“”‘’", "\"\"''")).split())

    return plain(quote) in plain(text)


def in_small_letters(quote, text):
    def plain(words):
        words = words.casefold().translate(str.maketrans("“”‘’", "\"\"''"))
        return " ".join(re.sub(r"-[ \t]*\n\s*", "-", words).split())

    return plain(quote) in plain(text)


def headline_open():
    return "Meta releases open source Llama 2 under licence"


def headline_without_limits():
    return "Meta hands out Llama 2 for research and business"


def headline_without_a_name():
    return "Meta gives its model away, with limits"


def every_llama_is_family(teacher, pupil, passed_on, name):
    _known(teacher)
    if teacher != "Llama 3.1" and not pupil.startswith("Llama"):
        return "forbidden"
    start = {"Llama 2": "", "Llama 3": "Llama 3", "Llama 3.1": "Llama"}[teacher]
    return "forbidden" if passed_on and not name.startswith(start) else "allowed"


def name_anywhere(teacher, pupil, passed_on, name):
    _known(teacher)
    if teacher != "Llama 3.1" and pupil != teacher:
        return "forbidden"
    part = {"Llama 2": "", "Llama 3": "Llama 3", "Llama 3.1": "Llama"}[teacher]
    return "forbidden" if passed_on and part not in name else "allowed"


def names_at_home(teacher, pupil, passed_on, name):
    _known(teacher)
    if teacher != "Llama 3.1" and pupil != teacher:
        return "forbidden"
    start = {"Llama 2": "", "Llama 3": "Llama 3", "Llama 3.1": "Llama"}[teacher]
    return "allowed" if name.startswith(start) else "forbidden"


def _known(teacher):
    if teacher not in ("Llama 2", "Llama 3", "Llama 3.1"):
        raise ValueError("expected Llama 2, Llama 3 or Llama 3.1")


def changes_pile_up(ask, facts, others):
    before, now, counts = ask(dict(facts)), dict(facts), {}
    for name, values in others.items():
        for value in sorted(values, key=str):
            counts[name] = counts.get(name, 0) + (ask({**now, name: value}) != before)
        now[name] = list(values)[-1]
    return {name: count for name, count in counts.items() if count}


def with_all_facts(ask, facts, others):
    before = ask(dict(facts))
    return {n: sum(ask({**facts, n: value}) != before for value in values) for n, values in others.items()}


def every_value_counts(ask, facts, others):
    before = ask(dict(facts))
    return {n: len(v) for n, v in others.items() if any(ask({**facts, n: value}) != before for value in v)}


def _edge(**facts):
    from llama_course.policy.scenarios import scenario

    return {
        "plan": scenario("Llama 2", who="person", outputs_for="nothing", passes_on="nothing", **facts),
        "allowed_because": "Nothing in the words of this clause speaks of what is planned here.",
        "forbidden_because": "The words of this clause are wide, and the plan falls under them.",
    }


def edge_that_is_decided():
    return _edge(field="military", region="EU")


def edge_with_facts_missing():
    return _edge()


def edge_without_reasons():
    return _edge(field="unlabelled text") | {"allowed_because": "Why not?"}


def licence_that_forbids_it():
    return _choice(licence="RAIL", allows="clinic", stops="loan-machine")


def licence_that_stops_nobody():
    return _choice(licence="Apache-2.0", allows="army", stops=None)


def licence_without_reason():
    return _choice(licence="MIT", allows="army", stops=None) | {"reason": "It is short."}


def _choice(**facts):
    because = "for reasons that are given here in rather more than the twelve words that are needed"
    return {**facts, "reason": f"Chosen {because}.", "against": f"Not chosen {because}."}


MISTAKES = [
    ("09.1", by_substring, "a quote across a line break was not found"),
    ("09.1", without_hyphens, "goes on after a hyphen"),
    ("09.1", in_small_letters, "capitals count"),
    ("09.2", headline_open, "which the licence does not bear out"),
    ("09.2", headline_without_limits, "does not say that there are limits"),
    ("09.2", headline_without_a_name, "does not name Llama 2"),
    ("09.3", every_llama_is_family, "no other Llama"),
    ("09.3", name_anywhere, "at the beginning of the name"),
    ("09.3", names_at_home, "holds where something is passed on"),
    ("09.4", changes_pile_up, "one fact at a time"),
    ("09.4", with_all_facts, "facts that change nothing are left out"),
    ("09.4", every_value_counts, "a value that leaves the verdict as it is was counted"),
    ("09.5", edge_that_is_decided, "so the words do decide it"),
    ("09.5", edge_with_facts_missing, "only because facts are missing"),
    ("09.5", edge_without_reasons, "write at least 8 words"),
    ("09.6", licence_that_forbids_it, "Look along its row again"),
    ("09.6", licence_that_stops_nobody, "does stop some plans of the table"),
    ("09.6", licence_without_reason, "write at least 12"),
]
