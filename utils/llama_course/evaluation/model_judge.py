"""A language model as the judge of two answers, asked in both orders, and what its verdicts depend on.

The judge is asked which answer is better, and its probabilities for "A" and "B" are its verdict.  Each pair comes up
twice with the answers exchanged: what stays the same is about the answers, what changes is about their places.
"""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from llama_course import paths
from llama_course.evaluation.intervals import Interval, wilson
from llama_course.models.interface import ChatModel

WORDINGS = {
    "which": """Question: {question}{note}

Answer A: {a}

Answer B: {b}

Question: Which answer is better, A or B?
Answer:""",
    "better": """Question: {question}{note}
Answer A: {a}
Answer B: {b}
The better answer is Answer""",
}
NOTE = "\nWhat is true: {truth}"
PADDING = (  # says nothing that helps, and praises nobody
    "There is much that one could say about it, and much has been said.",
    "It is always worth while to know such things, great and small.",
    "Many people wonder about this, and many have wondered before.",
)


@dataclass(frozen=True)
class Case:
    """A question with two answers, of which ``ours`` is the one that we ask about."""

    question: str
    ours: str
    theirs: str
    truth: str | None = None  # shown to the judge, if given
    wording: str = "which"  # a key of WORDINGS


@dataclass(frozen=True)
class Opinion:
    """What a judge says of a case: two verdicts, one for each order."""

    as_a: float  # share of A in P(A) + P(B) when ours stands as A
    as_b: float  # share of B when ours stands as B

    @property
    def ours(self) -> float:
        """How much it prefers ours, from 0 to 1, the places evened out."""
        return (self.as_a + self.as_b) / 2

    @property
    def named_first(self) -> float:
        """In how many of both orders it named the answer that came first: 0, 0.5 or 1."""
        return ((self.as_a > 0.5) + (self.as_b <= 0.5)) / 2

    @property
    def changed(self) -> bool:
        """Whether the verdict went to the other answer when they changed places."""
        return (self.as_a > 0.5) != (self.as_b > 0.5)


def ask(judge: ChatModel, case: Case, ours_first: bool = True) -> float:
    """How sure a judge is of ours, in one order.

    Returns:
        From 0 to 1, the probability of its letter as a share of the probabilities of both letters.
    """
    a, b = (case.ours, case.theirs) if ours_first else (case.theirs, case.ours)
    note = NOTE.format(truth=case.truth) if case.truth else ""
    prompt = WORDINGS[case.wording].format(question=case.question, note=note, a=a, b=b)
    lead = _log_prob(judge, prompt, " A") - _log_prob(judge, prompt, " B")
    first = 1 / (1 + math.exp(-lead)) if lead > -700 else 0.0
    return first if ours_first else 1 - first


def opinion(judge: ChatModel, case: Case) -> Opinion:
    """Ask in both orders."""
    return Opinion(ask(judge, case, True), ask(judge, case, False))


def opinions(judge: ChatModel, cases: Iterable[Case]) -> list[Opinion]:
    """Ask about all of them in both orders."""
    return [opinion(judge, case) for case in cases]


# -- what the verdicts depend on ---------------------------------------------------------------------------------------


def preferred(said: Sequence[Opinion]) -> Interval:
    """Share of the cases in which ours is preferred, the places evened out."""
    return wilson(sum(one.ours > 0.5 for one in said), len(said))


def changed(said: Sequence[Opinion]) -> Interval:
    """Share of the cases in which the verdict changed with the order."""
    return wilson(sum(one.changed for one in said), len(said))


def named_first(said: Sequence[Opinion]) -> Interval:
    """How often the answer that came first was named; one half for a judge who does not look at places.

    Two verdicts on a case are not independent, so each case counts once.
    """
    return wilson(sum(one.named_first for one in said), len(said))


# -- cases -------------------------------------------------------------------------------------------------------------


def lengthened(answer: str, words: int = 0) -> str:
    """An answer with sentences after it that say nothing; as many as bring it to so many words, at least one."""
    out = [answer, PADDING[0]]
    for more in PADDING[1:]:
        if len(" ".join(out).split()) >= words:
            break
        out.append(more)
    return " ".join(out)


def own_answers(
    judge: ChatModel, questions: Sequence[str], *, max_new_tokens: int = 32, on_answer: Callable[[], None] | None = None
) -> list[str]:
    """What the judge itself would have answered, cut off where a sentence ends, if there is an end."""
    answers = []
    for question in questions:
        answers.append(_sentences(judge.chat(question, max_new_tokens=max_new_tokens, temperature=0)))
        if on_answer:
            on_answer()
    return answers


def _sentences(text: str) -> str:
    """The text up to its last full stop, in one paragraph."""
    flat = " ".join(text.split())
    end = max(flat.rfind(mark) for mark in ".!?")
    return flat[: end + 1] if end > 0 else flat or "…"


def _log_prob(judge: ChatModel, prompt: str, letter: str) -> float:
    """ln of the probability that the judge goes on with a letter."""
    start = len(judge.tokenize(prompt))
    return sum(item.log_prob for item in judge.log_probabilities(prompt + letter, start)[start:])


# -- recorded runs -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Judged:
    """A case with what the judge said of it, as it was recorded."""

    experiment: str  # a key of EXPERIMENTS
    case: Case
    opinion: Opinion

    def as_row(self) -> dict:
        """Plain data for a file."""
        row = {"experiment": self.experiment, **asdict(self.case), **asdict(self.opinion)}
        return {name: round(value, 4) if isinstance(value, float) else value for name, value in row.items()}


EXPERIMENTS = {  # what "ours" is, and against what
    "same": "the same answer twice",
    "truth": "true, not false",
    "reworded": "true, not false (reworded)",
    "told": "true, not false (truth shown)",
    "length": "lengthened, not plain",
    "own": "own, not the miniature's",
    "own, as long": "own, not the miniature's lengthened",
}


def recorded_judging(path: Path | None = None) -> dict[str, list[Judged]]:
    """What ``benchmarks/judging.py`` recorded, by experiment; the file says when and where."""
    path = paths.data_file("runs/judging.json") if path is None else path
    found: dict[str, list[Judged]] = {name: [] for name in EXPERIMENTS}
    for row in json.loads(path.read_text(encoding="utf-8"))["cases"]:
        case = Case(row["question"], row["ours"], row["theirs"], row["truth"], row["wording"])
        found[row["experiment"]].append(Judged(row["experiment"], case, Opinion(row["as_a"], row["as_b"])))
    return found
