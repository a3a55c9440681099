"""Typical mistakes in the exercises of lesson 13: (exercise, wrong answer, words that only this mistake is told)."""


def sides(flop):
    return "systemic" if flop > 1e25 else "general-purpose" if flop > 1e23 else "below"


def side_by_two(parameters, tokens):
    return sides(2 * parameters * tokens)


def side_of_one_line(parameters, tokens):
    return "general-purpose" if 6 * parameters * tokens > 1e23 else "below"


def side_with_the_lines_mixed_up(parameters, tokens):
    return "systemic" if 6 * parameters * tokens > 1e23 else "below"


def without_running_costs(price, pull, helped, rivals, cost):
    at_full = pull * price + helped - rivals
    return cost / at_full if at_full >= cost and at_full > 0 else None


def more_than_fully(price, pull, helped, rivals, cost):
    at_full = pull * max(0, price - 1) + helped - rivals
    return cost / at_full if at_full > 0 else None


def dearer_below_one(price, pull, helped, rivals, cost):
    at_full = pull * (price - 1) + helped - rivals
    if cost == 0:
        return 0.0 if at_full >= 0 else None
    return cost / at_full if at_full >= cost else None


def without_reading(per_hour, per_second, price_in, price_out, read):
    share = per_hour / (per_second * 3600) * 1e6 / price_out
    return share if share <= 1 else None


def by_the_second(per_hour, per_second, price_in, price_out, read):
    return per_hour / per_second * 1e6 / (price_out + read * price_in)


def always_some_share(per_hour, per_second, price_in, price_out, read):
    return per_hour / (per_second * 3600) * 1e6 / (price_out + read * price_in)


def not_squared(forecasts, outcomes):
    known = {name: outcome for name, outcome in outcomes.items() if outcome is not None}
    return sum(abs(forecasts[name] - outcome) for name, outcome in known.items()) / len(known)


def undecided_is_false(forecasts, outcomes):
    return sum((forecasts[name] - bool(outcome)) ** 2 for name, outcome in outcomes.items()) / len(outcomes)


def divided_by_all(forecasts, outcomes):
    known = {name: outcome for name, outcome in outcomes.items() if outcome is not None}
    return sum((forecasts[name] - outcome) ** 2 for name, outcome in known.items()) / len(outcomes)


PREDICTION = {
    "claim": "Google publishes weights of its largest model that year.",
    "measure": "At least 1 model that Google itself calls its largest, with weights to download.",
    "source": "Google’s own announcement, and the model’s page with the files.",
    "by": "2030-06-30",
    "probability": 0.1,
}


def with_a_hedge():
    return PREDICTION | {"claim": "Google could publish weights of its largest model that year."}


def without_a_number():
    return PREDICTION | {"measure": "Whether Google publishes the weights of a very large model."}


def in_the_past():
    return PREDICTION | {"by": "2024-02-21"}


def reasons():
    return [
        ("hunt", "Those who look for faults need more than the text of answers."),
        ("filter", "What was never read cannot be told, whoever asks for it and how."),
        ("busy", "For a small village a card of its own is dearer than an API."),
    ]


def held(**changes):
    return {
        "level": "everybody, through an API",
        "because": reasons(),
        "against": ("copy", "Answers walk out through the door that was meant to keep them in."),
        "would_change": "A hunt with text that finds most of the triggers at equal cost.",
    } | changes


def against_itself():
    return held(against=("hunt", "The same search finds ways round where nobody had hidden anything."))


def from_one_lesson():
    names = ("busy", "price", "line")
    return held(because=[(name, f"The finding called {name} speaks for this level, and clearly.") for name in names])


def with_an_unknown_finding():
    return held(because=[*reasons()[:2], ("common sense", "Everybody knows that this is the best way for all.")])


MISTAKES = [
    ("13.1", side_by_two, "two forwards, four backwards"),
    ("13.1", side_of_one_line, "this one lies above both"),
    ("13.1", side_with_the_lines_mixed_up, "systemic risk begins at the second"),
    ("13.2", without_running_costs, "running it costs 1 in any case"),
    ("13.2", more_than_fully, "Nobody can adopt it more than fully"),
    ("13.2", dearer_below_one, "below 1 nothing gets cheaper"),
    ("13.3", without_reading, "paid for what it reads, too"),
    ("13.3", by_the_second, "3,600 to one"),
    ("13.3", always_some_share, "dearer even if it never rests"),
    ("13.4", not_squared, "errors are squared"),
    ("13.4", undecided_is_false, "did not fail: leave it out"),
    ("13.4", divided_by_all, "divide by those decided"),
    ("13.5", with_a_hedge, "cannot be refuted"),
    ("13.5", without_a_number, "there is no number"),
    ("13.5", in_the_past, "that day is past"),
    ("13.6", against_itself, "find one that hurts"),
    ("13.6", from_one_lesson, "all your findings come from one lesson"),
    ("13.6", with_an_unknown_finding, "there is no finding 'common sense'"),
]
