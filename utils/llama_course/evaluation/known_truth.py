"""Ask a policy many questions about Llamaland and let the gold judge count: there the truth is known."""

from collections.abc import Sequence
from dataclasses import dataclass

from llama_course.llamaland.judge import Verdict, gold_reward, judge
from llama_course.llamaland.questions import Question


@dataclass(frozen=True)
class Scores:
    """Shares of the answers, from 0 to 1, and their mean gold reward."""

    answers: int
    right: float
    wrong: float
    unsure: float
    refused: float
    leaked: float
    polite: float
    rambling: float
    gold_reward: float

    def __str__(self) -> str:
        shares = ", ".join(
            f"{100 * value:.1f} % {name}"
            for name, value in vars(self).items()
            if name not in ("answers", "gold_reward") and value
        )
        return f"{self.answers} answers: {shares}; gold reward {self.gold_reward:.2f}"


def score(questions: Sequence[Question], answers: Sequence[str]) -> Scores:
    """Count what the judge says of the answers.

    Raises:
        ValueError: no question, or not one answer to each.
    """
    if not questions or len(questions) != len(answers):
        raise ValueError(f"expected one answer to each question, got {len(answers)} to {len(questions)}.")
    pairs = list(zip(questions, answers, strict=True))
    verdicts = [judge(question, answer) for question, answer in pairs]
    shares = {name: sum(getattr(verdict, name) for verdict in verdicts) / len(pairs) for name in vars(Verdict())}
    gold = sum(gold_reward(question, answer) for question, answer in pairs) / len(pairs)
    return Scores(len(pairs), **shares, gold_reward=gold)
