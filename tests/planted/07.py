"""Typical mistakes in the exercises of lesson 07: (exercise, wrong answer, words that only this mistake is told)."""

import math

Z = 1.959963984540054


def plain_interval(successes, count):
    p = successes / count
    half = Z * math.sqrt(p * (1 - p) / count)
    return p - half, p + half


def interval_around_p(successes, count):
    p = successes / count
    half = Z / (1 + Z**2 / count) * math.sqrt(p * (1 - p) / count + Z**2 / (4 * count**2))
    return p - half, p + half


def interval_too_wide(successes, count):
    p = successes / count
    centre = (p + Z**2 / (2 * count)) / (1 + Z**2 / count)
    half = Z * math.sqrt(p * (1 - p) / count + Z**2 / (4 * count**2))
    return centre - half, centre + half


def _counts(verdicts):
    return (verdicts.count(word) for word in ("win", "tie", "loss"))


def ties_win(verdicts):
    wins, ties, losses = _counts(verdicts)
    n = len(verdicts)
    return {"ties lose": (wins + ties) / n, "half a win": (wins + ties / 2) / n, "left out": wins / (wins + losses)}


def halves_of_the_decided(verdicts):
    wins, ties, losses = _counts(verdicts)
    n = len(verdicts)
    return {
        "ties lose": wins / n,
        "half a win": (wins + ties / 2) / (wins + losses),
        "left out": wins / (wins + losses),
    }


def left_out_above_the_line_only(verdicts):
    wins, ties, _ = _counts(verdicts)
    n = len(verdicts)
    return {"ties lose": wins / n, "half a win": (wins + ties / 2) / n, "left out": wins / n}


def _fewest(wins, losses, variance):
    return math.floor(Z**2 * variance / (wins - losses) ** 2) + 1


def prompts_as_if_independent(wins, losses):
    return _fewest(wins, losses, wins * (1 - wins) + losses * (1 - losses))


def prompts_for_wins_alone(wins, losses):
    return _fewest(wins, losses, wins * (1 - wins))


def prompts_rounded_down(wins, losses):
    return _fewest(wins, losses, wins + losses - (wins - losses) ** 2) - 1


def verdict_of_one_order(judge, question, ours, theirs):
    return "ours" if judge(question, ours, theirs) == "A" else "theirs"


def verdict_that_forgets_the_exchange(judge, question, ours, theirs):
    first, second = judge(question, ours, theirs), judge(question, theirs, ours)
    if first != second:
        return "tie"
    return "ours" if first == "A" else "theirs"


def verdict_as_a_letter(judge, question, ours, theirs):
    first, second = judge(question, ours, theirs), judge(question, theirs, ours)
    return "tie" if first == second else first


def _observed(ratings):
    return sum(a == b for a, b in ratings) / len(ratings)


def _shares(ratings, categories):
    given = [rating for pair in ratings for rating in pair]
    return [given.count(category) / len(given) for category in categories]


def plain_agreement(ratings, categories):
    return _observed(ratings)


def kappa_instead(ratings, categories):
    chance = sum(share**2 for share in _shares(ratings, categories))
    return (_observed(ratings) - chance) / (1 - chance)


def chance_not_divided(ratings, categories):
    chance = sum(share * (1 - share) for share in _shares(ratings, categories))
    return (_observed(ratings) - chance) / (1 - chance)


RIGHT = dict(a="supported", b="too strong", c="not measured", d="too strong", e="supported", f="not measured")
MISTAKES = [
    ("07.1", plain_interval, "are those of p ± z · standard error"),
    ("07.1", interval_around_p, "stand around p"),
    ("07.1", interval_too_wide, "are too wide"),
    ("07.2", ties_win, "counts a tie as a win"),
    ("07.2", halves_of_the_decided, "is divided by the decided ones only"),
    ("07.2", left_out_above_the_line_only, "is still divided by all"),
    ("07.3", prompts_as_if_independent, "takes wins and losses for independent"),
    ("07.3", prompts_for_wins_alone, "for the share of wins alone"),
    ("07.3", prompts_rounded_down, "is one too few"),
    ("07.4", verdict_of_one_order, "was asked in one order only"),
    ("07.4", verdict_that_forgets_the_exchange, "in the second order ours is B"),
    ("07.4", verdict_as_a_letter, "name the side, ours or theirs"),
    ("07.5", plain_agreement, "is the plain agreement"),
    ("07.5", kappa_instead, "has the chance of kappa"),
    ("07.5", chance_not_divided, "was not divided by q − 1"),
    ("07.6", RIGHT | {"b": "supported"}, "on the new questions: does it hold 0?"),
    ("07.6", RIGHT | {"f": "supported"}, "was their verdict ever compared with the truth?"),
    ("07.6", dict.fromkeys("abcdef", "supported"), "of six sentences would not pass"),
]
