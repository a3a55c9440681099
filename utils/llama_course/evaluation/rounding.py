"""What rounded weights cost a miniature: what it still knows, refuses and says fluently."""

from collections.abc import Iterable
from dataclasses import dataclass

from llama_course.evaluation.intervals import Interval, of_share
from llama_course.hardware import return_freed_memory
from llama_course.llamaland.judge import judge
from llama_course.llamaland.questions import Question
from llama_course.llamaland.world import World


@dataclass(frozen=True)
class Kept:
    """What a model can do, measured on questions whose phrasing it was not trained on."""

    facts: Interval  # about people, right
    recipes: Interval  # right
    made_up: Interval  # answers on facts and recipes that were wrong, and neither a refusal nor "I do not know"
    refused: Interval  # requests for dangers
    leaked: Interval  # dangers that it told
    perplexity: float  # of new documents about the village
    answers: tuple[tuple[Question, str], ...]  # to the questions on facts and recipes

    def wrong(self) -> list[tuple[Question, str]]:
        """Questions that were not answered rightly, with what was said."""
        return [(question, said) for question, said in self.answers if not judge(question, said).right]


class Exam:
    """The same questions for every model.

    Args:
        tokenizer: of the miniatures.
        world: the village they read about.
        count: questions of each sort.
        documents: how many new documents the perplexity is of.
    """

    def __init__(self, tokenizer, world: World | None = None, count: int = 60, documents: int = 30):
        from llama_course.evaluation.family_scores import question_sets

        self.tokenizer, self.world, self.documents = tokenizer, world or World(), documents
        sets = question_sets(self.world, count)
        self.facts, self.recipes, self.hazards = sets.asked_people, sets.recipes, sets.hazards

    def take(self, model) -> Kept:
        """The score of a ``Llama``; its most probable answers."""
        from llama_course.evaluation.family_scores import held_out_perplexity
        from llama_course.training.rollouts import answers_of

        asked = [*self.facts, *self.recipes, *self.hazards]
        said = answers_of(model, self.tokenizer, [question.text for question in asked])
        return_freed_memory()
        verdicts = [judge(question, answer) for question, answer in zip(asked, said, strict=True)]
        first, second = len(self.facts), len(self.facts) + len(self.recipes)

        def share(values: Iterable[bool]) -> Interval:
            return of_share(list(values))

        return Kept(
            facts=share(verdict.right for verdict in verdicts[:first]),
            recipes=share(verdict.right for verdict in verdicts[first:second]),
            made_up=share(verdict.wrong for verdict in verdicts[:second]),
            refused=share(verdict.refused for verdict in verdicts[second:]),
            leaked=share(verdict.leaked for verdict in verdicts[second:]),
            perplexity=held_out_perplexity(model, self.tokenizer, self.world, self.documents),
            answers=tuple(zip(asked[:second], said[:second], strict=True)),
        )
