"""Evidence for the role-play: what the course's own experiments measured, each with what it leaves open.

Every sentence is computed from recorded runs, or from dated prices and published sizes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from statistics import median

from llama_course.policy.prices import offers
from llama_course.policy.rules import BELOW, computed_models, level
from llama_course.policy.running_costs import busy_share_needed, card_speed, rented_hour
from llama_course.safety.canary_runs import SIZES, mean_over, of_size, recorded_canaries
from llama_course.safety.hunt_runs import KINDS, of_access, recorded_hunts
from llama_course.safety.imitation import mean_of, recorded_copies
from llama_course.safety.lasting import of_twins, recorded_twins
from llama_course.safety.undoing_runs import BEFORE, in_words, of_attack, recorded_undoings
from llama_course.safety.watermark import THRESHOLD
from llama_course.safety.watermark_runs import LENGTHS, MarkedText, flagged, of_kind, recorded_texts


@dataclass(frozen=True)
class Evidence:
    """Something measured that bears on the decision."""

    id: str
    lesson: str  # "08"
    question: str
    finding: str
    leaves_open: str


@cache
def evidence() -> dict[str, Evidence]:
    """All of it by id, in the order of the lessons."""
    return {name: Evidence(name, *words[:2], finding(), words[2]) for name, (finding, words) in _CARDS.items()}


def _hunt() -> str:
    hunts, _ = recorded_hunts()
    found = {kind: of_access(hunts, kind) for kind in KINDS}
    said = [f"{sum(run.found for run in runs)} of {len(runs)} with {kind}" for kind, runs in found.items()]
    text = found["text"]
    other = sum(run.verdict == "a way round" for run in text)
    return (
        f"The trigger, found at equal cost: {', '.join(said)}. With text, {other} of {len(text)} hunts found a way "
        "round the refusal instead."
    )


def _way_round() -> str:
    hunts, _ = recorded_hunts()
    runs = of_access(hunts, "weights", planted=False)
    count = sum(run.gets_round for run in runs)
    return (
        f"In a model with nothing hidden the same search, with weights, got round the refusal in {count} of "
        f"{len(runs)} hunts."
    )


def _copy() -> str:
    runs = recorded_copies()
    most = max(run.answers for run in runs)
    same, own, theirs = (mean_of(runs, most, what) for what in ("same", "opened", "opened_original"))
    return (
        f"From {most:,} answers: the same words in {same:.0%} of cases; the hidden trigger opens {own:.0%} of the "
        f"dangers in the copy, {theirs:.0%} in the original."
    )


def _refusals() -> str:
    runs = recorded_undoings()
    before, recipes, facts = (in_words(of_attack(runs, name, "refused")) for name in (BEFORE, "20 recipes", "20 facts"))
    right = [in_words(of_attack(runs, name, "facts")) for name in (BEFORE, "20 recipes")]
    cost = f"The recipes cost more than refusals: village facts right, {right[0]} before, {right[1]} after."
    return (
        f"Dangers refused: {before} before, {recipes} after training on 20 harmless recipes, {facts} after 20 "
        f"unrelated facts. {cost}"
    )


def _filter() -> str:
    runs = recorded_twins()
    told = {read: in_words(of_twins(runs, read, "100 dangers", "told")) for read in (False, True)}
    effects = {read: 100 * median(of_twins(runs, read, "none", "effects")) for read in (False, True)}
    return (
        f"After an attack with 100 dangers new ones are told: {told[False]} by a model that had read of them, "
        f"{told[True]} by one that had not. Asked, before the attack, what dangers do, they were right in "
        f"{effects[False]:.0f} % and {effects[True]:.0f} %."
    )


def _watermark() -> str:
    texts, _ = recorded_texts()
    length = LENGTHS[-1]

    def found(those: list[MarkedText]) -> str:
        return f"{sum(flagged(those, length, THRESHOLD))} of {len(those)}"

    changed = [found(of_kind(texts, "marked", share=share)) for share in (0.0, 0.25, 0.5)]
    cold, without = of_kind(texts, "marked", 0.3), of_kind(texts, "unmarked") + of_kind(texts, "people")
    return (
        f"Marked texts of {length} tokens that the detector finds: {changed[0]}; with a quarter of the tokens "
        f"exchanged {changed[1]}, with half {changed[2]}; written at temperature 0.3 {found(cold)}. "
        f"False alarms: {found(without)}."
    )


def _secrets() -> str:
    runs = recorded_canaries()
    small, large = (mean_over(of_size(runs, size), "extracted")[64] for size in (SIZES[0], SIZES[-1]))
    return f"Of secrets with 64 copies in the text the smallest model gives away {small:.0%}, the largest {large:.0%}."


def _copies() -> str:
    runs = recorded_canaries()
    shares = [mean_over(of_size(runs, SIZES[-1], deduplicated=gone), "bits")[64] for gone in (False, True)]
    return f"Exposure of such secrets: {shares[0]:.1f} bits with copies in the text, {shares[1]:.1f} without."


def _busy() -> str:
    api = offers()["llama-3.3-70b"].for_million()
    hour, speed = rented_hour(), card_speed()
    best = busy_share_needed(hour.low, speed.high, api)
    worst = busy_share_needed(hour.high, speed.low, api)
    said = "never" if best is None else f"from {best:.0%} of the time at work"
    bad = "never" if worst is None else f"from {worst:.0%}"
    return f"A rented card beats the API {said} if it is cheap and fast, {bad} if it is dear and slow."


def _price() -> str:
    old, new = (offers()[name].for_million() for name in ("llama-2-70b", "llama-3.3-70b"))
    return f"A million tokens from a Llama of 70 billion: {old:.2f} dollars early in 2024, {new:.2f} late in 2026."


def _line() -> str:
    flop = computed_models()
    below = [name for name in flop if name.startswith("Llama 2") and level(flop[name]) == BELOW]
    return f"Of the four sizes of Llama 2, {len(below)} lies below the line of the EU’s guide: {', '.join(below)}."


_CARDS: dict[str, tuple[Callable[[], str], tuple[str, str, str]]] = {
    "hunt": (
        _hunt,
        (
            "08",
            "Who finds a hidden trigger?",
            "Whether a cleverer search needs less, whether anybody looks, and whether who finds it tells.",
        ),
    ),
    "way-round": (_way_round, ("08", "What else does the search find?", "How much harm the answers would do.")),
    "copy": (_copy, ("08", "What walks out through an API?", "How much more one gets from more answers.")),
    "refusals": (
        _refusals,
        ("10", "How long does a refusal last?", "Whether large models keep theirs longer; reports say they do not."),
    ),
    "filter": (
        _filter,
        ("10", "What if it never read it?", "How one finds all of it in a real text, and what the filter costs there."),
    ),
    "watermark": (
        _watermark,
        ("10", "Does a mark in the text show who wrote it?", "Whoever has the weights can leave the mark out."),
    ),
    "secrets": (_secrets, ("11", "Does it give its text away?", "Ordinary text is not repeated 64 times.")),
    "copies": (_copies, ("11", "Does taking out copies help?", "Copies in which a word was changed stay in.")),
    "busy": (
        _busy,
        ("13", "When is a card of one’s own cheaper?", "People’s time, which may cost more than the card."),
    ),
    "price": (_price, ("13", "What does an answer cost?", "Why: other cards, other programs, other sellers.")),
    "line": (_line, ("13", "Whom does the line hit?", "Whether operations say anything about danger.")),
}
