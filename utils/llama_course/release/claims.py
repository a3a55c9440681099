"""A claim with a number in it, and whether the measurements bear it out.

A claim names a quantity, a comparison and a value: "facts right, people only read about: at least 80 %".  It is
supported if the whole interval is on its side, contradicted if the whole interval is on the other, and otherwise not
shown: too little was asked to tell.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llama_course.evaluation.intervals import wilson
from llama_course.release.quantities import QUANTITIES, WORST, Measurement, access_level, open_to

COMPARISONS = ("at least", "at most")
VERDICTS = {  # with the symbol that stands beside the word
    "supported": "✓",
    "contradicted": "✗",
    "not shown": "?",
    "not measured": "✗",
}
MOST_QUESTIONS = 1_000_000  # nobody asks more
ROUNDING = 1e-9  # of the arithmetic: the lower end for none of 40 is not quite 0


class ClaimError(ValueError):
    """This is no claim; the message says what is missing in it."""


@dataclass(frozen=True)
class Claim:
    """One sentence of a card in three parts."""

    quantity: str  # a key of QUANTITIES, or "told": dangers told by the worst way that the access opens
    comparison: str  # one of COMPARISONS
    percent: float  # from 0 to 100

    def __post_init__(self):
        number = isinstance(self.percent, int | float) and not isinstance(self.percent, bool)
        for holds, rule in (
            (
                isinstance(self.quantity, str) and self.quantity.strip(),
                "a claim needs a quantity, such as 'facts_read'",
            ),
            (self.comparison in COMPARISONS, f"a comparison is one of: {', '.join(COMPARISONS)}"),
            (number and 0 <= self.percent <= 100, "a value is a number of percent from 0 to 100"),
        ):
            if not holds:
                raise ClaimError(f"{rule}; got {(self.quantity, self.comparison, self.percent)!r:.100}.")

    @property
    def words(self) -> str:
        """The claim as a reader meets it."""
        plain = QUANTITIES[self.quantity].plain if self.quantity in QUANTITIES else self.quantity
        plain = "dangers told, whatever the access allows" if self.quantity == WORST else plain
        return f"{plain}: {self.comparison} {self.percent:g} %"


@dataclass(frozen=True)
class Ruling:
    """What the measurements say of a claim."""

    claim: Claim
    verdict: str  # a key of VERDICTS
    measured: str  # "91 of 100, 91 % (84 to 95)", with the way where it is the worst of several
    advice: str  # what to do; empty where the claim is supported

    @property
    def holds(self) -> bool:
        """Whether it may stand on the card."""
        return self.verdict == "supported"

    def __str__(self) -> str:
        text = f"{VERDICTS[self.verdict]} {self.verdict}: claimed “{self.claim.words}”; measured {self.measured}."
        return f"{text} {self.advice}".rstrip()


def judge_claim(claim: Claim, measured: Mapping[str, Measurement], access: str) -> Ruling:
    """Compare a claim with the measurements, for what a level of access opens to outsiders.

    Args:
        claim: what is said.
        measured: by quantity.
        access: a level of ``ACCESS``.
    """
    found, trouble = find_measurements(claim.quantity, measured, access)
    if not found:
        return Ruling(claim, "not measured", *trouble)
    result, verdict = _deciding(claim, found)
    said = str(result)
    if claim.quantity == WORST:
        said = f"{said} for “{QUANTITIES[result.quantity].plain}”, the worst way that “{access}” opens"
    elif result.detail:
        said = f"{said} ({result.detail})"
    return Ruling(claim, verdict, said, "" if verdict == "supported" else _advice(claim, found, verdict))


def _deciding(claim: Claim, found: Sequence[Measurement]) -> tuple[Measurement, str]:
    """The measurement that decides on a claim about the worst of several, and the verdict.

    The worst is at most 5 % if every way is, so one way that is not shown leaves it open, even with no success among
    few questions; it is at least 5 % as soon as one way is.
    """
    low = max(found, key=lambda result: result.interval.low)
    high = max(found, key=lambda result: result.interval.high)
    order = (low, high) if claim.comparison == "at most" else (high, low)  # who contradicts first, then who supports
    verdicts = [(one, verdict_on(one.successes, one.count, claim.comparison, claim.percent)) for one in order]
    return verdicts[0] if verdicts[0][1] == "contradicted" else verdicts[1]


def find_measurements(
    quantity: str, measured: Mapping[str, Measurement], access: str
) -> tuple[Sequence[Measurement], tuple[str, str]]:
    """The measurements that a claim is about, or else what to say: what was measured instead, and what to do."""
    access_level(access)  # is it one?
    if quantity == WORST:
        missing = [name for name in open_to(access) if name not in measured]
        if missing:
            ways = ", ".join(f"“{QUANTITIES[name].plain}”" for name in missing)
            return (), (f"nothing on {ways}", f"“{access}” opens that way: measure it, or claim one way alone.")
        return [measured[name] for name in open_to(access)], ("", "")
    if quantity not in QUANTITIES:
        there = ", ".join([*measured, WORST])
        return (), (f"nothing of the kind “{quantity:.60}”", f"Measure it, or leave it out. Measured are: {there}.")
    if quantity not in measured:
        return (), ("nothing on it", "Measure it, or leave it out.")
    return [measured[quantity]], ("", "")


def verdict_on(successes: int, count: int, comparison: str, percent: float) -> str:
    """Whether counts support a claim, contradict it, or show neither: a key of ``VERDICTS``."""
    interval, value = wilson(successes, count), percent / 100
    if comparison == "at most":
        held, broken = interval.high <= value + ROUNDING, interval.low > value + ROUNDING
    else:
        held, broken = interval.low >= value - ROUNDING, interval.high < value - ROUNDING
    return "supported" if held else "contradicted" if broken else "not shown"


def questions_needed(share: float, comparison: str, percent: float) -> int | None:
    """How many questions support a claim, if the measured share stays what it is; None if no number can.

    The smallest n for which the interval of share · n successes among n lies on the claim's side.
    """

    def enough(count: int) -> bool:
        return verdict_on(share * count, count, comparison, percent) == "supported"

    if not enough(MOST_QUESTIONS):
        return None
    low, high = 0, MOST_QUESTIONS  # enough(high) holds, and more questions only narrow the interval
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def strongest(result: Measurement, comparison: str) -> int:
    """The strongest whole number of percent that a measurement supports."""
    values = range(101) if comparison == "at most" else range(100, -1, -1)
    return next(v for v in values if verdict_on(result.successes, result.count, comparison, v) == "supported")


def _advice(claim: Claim, found: Sequence[Measurement], verdict: str) -> str:
    end = "high" if claim.comparison == "at most" else "low"  # what every way bears out, or what one does
    result = max(found, key=lambda one: getattr(one.interval, end))
    value = strongest(result, claim.comparison)
    best = f"Claim {claim.comparison} {value} %"
    if value == (100 if claim.comparison == "at most" else 0):
        best = "Claim something else"  # that one holds for every model
    if verdict == "contradicted":
        return f"It is not so. {best}, or leave it out."
    if claim.percent in (0, 100):
        return f"No number of questions shows exactly {claim.percent:g} %. {best}."
    count = questions_needed(result.interval.value, claim.comparison, claim.percent)
    if count is None:
        return f"The measured share is no better than the claim, so more questions will hardly help. {best}."
    return f"{result.count:,} questions cannot show it. {best}, or ask {count:,} and see."
