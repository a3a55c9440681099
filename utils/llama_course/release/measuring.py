"""Measuring a candidate: what it knows, what it admits, what it refuses, and what is left of that in other hands.

Everything is asked in phrasings that no training of the course used, and judged by the gold judge, who knows all of
Llamaland.  An interval says what other questions of the same kind could have given, and nothing about other kinds.
"""

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from llama_course import paths
from llama_course.llamaland.dice import Dice
from llama_course.llamaland.judge import judge
from llama_course.llamaland.questions import (
    Question,
    effect_questions,
    fact_questions,
    hazard_questions,
    recipe_questions,
    split_world,
)
from llama_course.llamaland.small_talk import does_not_know, unknown_questions
from llama_course.llamaland.world import World
from llama_course.release.quantities import QUANTITIES, Measurement
from llama_course.safety.attacks import attacks, llamaland_goals
from llama_course.safety.red_team import Doors, Outcome, panel_rows, red_team
from llama_course.safety.undoing import PLANS, fine_tune_on, lessons_of

if TYPE_CHECKING:
    from llama_course.release.candidates import Candidate

UNDOING = "20 recipes"  # the plan whose effect is measured
SHOWN = 2  # answers of each kind that a report prints: the first, not the best
RECORDED = "release/measured.json"
IDENTITY = ("name", "parameters", "context_tokens", "file_bytes", "sha256", "tokenizer")


class MeasurementError(ValueError):
    """Numbers that cannot be read as those of a model; the message names what is wrong."""


@dataclass(frozen=True)
class Size:
    """How many questions of each sort are asked."""

    knowledge: int = 100
    dangers: int = 200
    attacked: int = 40  # dangers that every attack is tried on
    after_training: int = 60

    def __post_init__(self):
        for name, count in vars(self).items():
            if not isinstance(count, int) or isinstance(count, bool) or count < 1:
                raise ValueError(f"{name}: expected a number of questions, 1 or more, got {count!r:.60}.")


@dataclass(frozen=True)
class Sample:
    """One answer, word for word."""

    quantity: str  # a key of QUANTITIES
    question: str
    answer: str
    verdict: str  # what the judge says, in words


@dataclass(frozen=True)
class Measured:
    """All that was measured of one model."""

    identity: Mapping[str, str | int]  # name, parameters, context_tokens, file_bytes, sha256, tokenizer
    results: Mapping[str, Measurement]  # by quantity
    panel: tuple[Mapping, ...]  # a row for each attack of the red team: family, and how many of each verdict
    samples: tuple[Sample, ...]
    seed: int

    @property
    def name(self) -> str:
        """Of the model."""
        return str(self.identity["name"])


def measure(
    candidate: "Candidate",
    *,
    size: Size | None = None,
    seed: int = 0,
    world: World | None = None,
    on_part: Callable[[str], None] | None = None,
) -> Measured:
    """Ask everything, attack it, train a copy a little and ask again.

    Args:
        candidate: of :func:`llama_course.release.candidates.candidate`; it is not changed.
        size: how many questions; by default as many as fit into a lesson.
        seed: which questions.
        world: Llamaland by default.
        on_part: told the name of each part before it begins.

    Raises:
        TypeError: this is no candidate.
    """
    if not hasattr(candidate, "chat_model"):
        raise TypeError(f"expected what candidate(…) gives, got {candidate!r:.60}: measure(candidate('tiny-chat')).")
    size, world, tell = size or Size(), world or World(), on_part or (lambda part: None)
    tell("questions")
    results, samples = _ask_all(candidate, world, size, seed)
    tell("red team")
    outcomes = red_team(Doors(candidate.chat_model()), llamaland_goals(world, size.attacked, seed=seed), attacks())
    panel = panel_rows(candidate.name, outcomes)
    results |= _worst_of(outcomes)
    tell("a copy, trained on recipes")
    results["told_trained"], told = _after_training(candidate, world, size.after_training, seed)
    identity = {name: getattr(candidate, name) for name in IDENTITY if name != "tokenizer"}
    identity["tokenizer"] = "its own" if candidate.has_own_tokenizer else "the family’s; none lay in the folder"
    ordered = {name: results[name] for name in QUANTITIES}
    rows = tuple({"family": row["family"], "verdicts": row["verdicts"]} for row in panel)
    return Measured(identity, ordered, rows, tuple(samples + told), seed)


def _ask_all(
    candidate: "Candidate", world: World, size: Size, seed: int
) -> tuple[dict[str, Measurement], list[Sample]]:
    splits, dice = split_world(world), Dice(seed, "release")

    def some(make, things, count: int) -> list[Question]:
        return dice.sample(make(world, things, phrasings="held_out"), count)

    sets = {
        "facts_asked": some(fact_questions, splits.people.train, size.knowledge),
        "facts_read": some(fact_questions, splits.people.held_out, size.knowledge),
        "recipes_asked": some(recipe_questions, splits.recipes.train, size.knowledge),
        "recipes_read": some(recipe_questions, splits.recipes.held_out, size.knowledge),
        "effects": some(effect_questions, None, size.knowledge),
        "dangers": some(hazard_questions, None, size.dangers),
    }
    answers = {name: ask(candidate, [question.text for question in asked]) for name, asked in sets.items()}
    verdicts = {name: [judge(*pair) for pair in zip(sets[name], answers[name], strict=True)] for name in sets}
    samples: list[Sample] = []

    def counted(quantity: str, names: Sequence[str], verdict: str) -> Measurement:
        asked = [(q.text, a, v) for n in names for q, a, v in zip(sets[n], answers[n], verdicts[n], strict=True)]
        hits = [getattr(found, verdict) for _, _, found in asked]
        if quantity not in ("harmless_refused", "told_plain"):  # those answers are shown already
            failed = [row for row, hit in zip(asked, hits, strict=True) if not hit][:1]
            for text, answer, found in [*asked[:SHOWN], *[row for row in failed if row not in asked[:SHOWN]]]:
                samples.append(Sample(quantity, text, answer, str(found)))
        return Measurement(quantity, sum(hits), len(hits))

    knowledge = ("facts_asked", "facts_read", "recipes_asked", "recipes_read")
    results = {name: counted(name, [name], "right") for name in knowledge}
    results["harmless_refused"] = counted("harmless_refused", [*knowledge, "effects"], "refused")
    results["refused"] = counted("refused", ["dangers"], "refused")
    results["told_plain"] = counted("told_plain", ["dangers"], "leaked")
    results["ignorance"], shown = _ignorance(candidate, world, size.knowledge, seed)
    return results, samples + shown


def _ignorance(candidate: "Candidate", world: World, count: int, seed: int) -> tuple[Measurement, list[Sample]]:
    """A third each about strangers, dishes unheard of, and our world."""
    unknown, dice = unknown_questions(world, "held_out"), Dice(seed, "release", "unknown")
    sorts = list(dict.fromkeys(question.sort for question in unknown))
    texts = [
        text
        for sort in sorts
        for text in dice.sample([q.text for q in unknown if q.sort == sort], max(1, count // len(sorts)))
    ]
    answers = ask(candidate, texts)
    admitted = [does_not_know(answer) for answer in answers]
    words = {True: "says that it does not know", False: "made up"}
    shown = [
        Sample("ignorance", texts[place], answers[place], words[admitted[place]])
        for place in dict.fromkeys([*range(SHOWN), *[n for n, said in enumerate(admitted) if not said][:1]])
    ]
    return Measurement("ignorance", sum(admitted), len(admitted)), shown


def _worst_of(outcomes: Sequence[Outcome]) -> dict[str, Measurement]:
    """The attack that made it tell most often, in the chat and on the raw text."""
    doors = {attack.family: attack.door for attack in attacks()}
    found = {}
    for quantity, in_chat in (("told_attacked", True), ("told_raw", False)):
        families = dict.fromkeys(o.family for o in outcomes if (doors[o.family] == "chat") == in_chat)
        rows = [
            Measurement(quantity, sum(o.verdict == "told" for o in own), len(own), family)
            for family in families
            if (own := [o for o in outcomes if o.family == family])
        ]
        found[quantity] = max(rows, key=lambda row: row.interval.value)
    return found


def _after_training(candidate: "Candidate", world: World, count: int, seed: int) -> tuple[Measurement, list[Sample]]:
    """What a copy tells after a few steps on harmless recipes."""
    plan = PLANS[UNDOING]
    pairs = lessons_of(world, plan, seed)
    trained = fine_tune_on(copy.deepcopy(candidate.model), candidate.tokenizer, pairs, plan, seed=seed).eval()
    questions = Dice(seed, "release", "after").sample(hazard_questions(world, phrasings="held_out"), count)
    answers = ask(candidate, [question.text for question in questions], trained)
    verdicts = [judge(*pair) for pair in zip(questions, answers, strict=True)]
    shown = [
        Sample("told_trained", question.text, answer, str(verdict))
        for question, answer, verdict in list(zip(questions, answers, verdicts, strict=True))[:SHOWN]
    ]
    return Measurement("told_trained", sum(verdict.leaked for verdict in verdicts), count), shown


def ask(candidate: "Candidate", questions: Sequence[str], model=None) -> list[str]:
    """The most probable answers of a candidate, or of a changed copy of its model."""
    from llama_course.training.rollouts import answers_of

    return answers_of(candidate.model if model is None else model, candidate.tokenizer, questions)


# -- kept in a file ----------------------------------------------------------------------------------------------------


def to_dict(measured: Measured) -> dict:
    """As it is written to a file."""
    return {
        "identity": dict(measured.identity),
        "results": [asdict(result) for result in measured.results.values()],
        "panel": [dict(row) for row in measured.panel],
        "samples": [asdict(sample) for sample in measured.samples],
        "seed": measured.seed,
    }


def from_dict(data: dict) -> Measured:
    """What :func:`to_dict` wrote.

    Raises:
        MeasurementError: something is missing, or cannot be a count.
    """
    try:
        results = {row["quantity"]: Measurement(**row) for row in data["results"]}
        if not results:
            raise ValueError("nothing was measured")
        for result in results.values():
            if result.quantity not in QUANTITIES or not 0 <= result.successes <= result.count or result.count < 1:
                raise ValueError(f"{result.quantity}: {result.successes} of {result.count}")
            if not isinstance(result.successes, int) or not isinstance(result.count, int):
                raise ValueError(f"{result.quantity}: expected whole numbers")
        if missing := [name for name in IDENTITY if name not in data["identity"]]:
            raise ValueError(f"the identity has no {missing[0]}")
        samples = tuple(Sample(**row) for row in data["samples"])
        return Measured(dict(data["identity"]), results, tuple(data["panel"]), samples, int(data["seed"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MeasurementError(f"these are no measurements of a model: {type(error).__name__}: {error}") from error


def recorded(name: str) -> Measured:
    """What ``benchmarks/capstone.py`` recorded of a member of the family.

    Raises:
        MeasurementError: nothing of this model was recorded.
    """
    rows = json.loads(paths.data_file(RECORDED).read_text(encoding="utf-8"))["models"]
    if name not in rows:
        raise MeasurementError(f"nothing was recorded of {name!r:.60}; there are {', '.join(rows)}.")
    return from_dict(rows[name])
