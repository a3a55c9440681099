"""Three kinds of access to one model, each counting what is asked: text, probabilities as well, weights as well.

A query is one question that the model reads.  Going the way back to a gradient costs two more: lesson 04 counts it so.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from llama_course.llamaland.documents import documents
from llama_course.llamaland.world import World
from llama_course.models.interface import PromptError
from llama_course.models.tokenizer import BOS_TOKEN_ID

if TYPE_CHECKING:
    from llama_course.models.llama import Llama

BACKWARD_QUERIES = 2  # the way back takes twice as many operations as the way there
BATCH_SIZE = 64
READING_SEED = 1  # of the documents in the recipe of the course's own models
Ask = Callable[[Sequence[str]], list[str]]  # questions to answers


class NotOfferedError(RuntimeError):
    """This kind of access does not give that."""


class BudgetSpentError(RuntimeError):
    """More queries than were agreed on."""


class TextAccess:
    """Questions in, answers out: what an API gives.

    Args:
        ask: answers questions, for example over the API.
        budget: most queries; None for no limit.
    """

    kind = "text"

    def __init__(self, ask: Ask, budget: int | None = None):
        self._ask, self.budget, self.queries = ask, budget, 0

    def answers(self, questions: Sequence[str]) -> list[str]:
        """An answer to each question.

        Raises:
            BudgetSpentError: there are not enough queries left.
        """
        self.spend(len(questions))
        return self._ask(questions)

    def log_probs(self, questions: Sequence[str], starts: Sequence[str]) -> list[float]:
        """ln p that the answer to each question begins with this text.

        Raises:
            NotOfferedError: here.
        """
        raise NotOfferedError("text comes out, and no probabilities.")

    def slopes(self, questions: Sequence[str], tail: Sequence[int], starts: Sequence[str]) -> Any:
        """How much another token in the tail would change the sum of ln p, to first order.

        Raises:
            NotOfferedError: here.
        """
        raise NotOfferedError("a slope is computed on the weights, and they are not here.")

    def weights(self) -> "Llama":
        """The model itself, to be read, changed and kept.

        Raises:
            NotOfferedError: here.
        """
        raise NotOfferedError("the weights are not here.")

    def reading(self, count: int) -> list[str]:
        """Texts that the model was trained on.

        Raises:
            NotOfferedError: here.
        """
        raise NotOfferedError("what it has read is not published.")

    def spend(self, queries: int) -> None:
        """Count queries.

        Raises:
            BudgetSpentError: there are not so many left; nothing is counted.
        """
        if self.budget is not None and self.queries + queries > self.budget:
            raise BudgetSpentError(f"{self.queries:,} of {self.budget:,} queries are spent; {queries} more were asked.")
        self.queries += queries


class ProbabilityAccess(TextAccess):
    """Answers and probabilities: what some APIs give.

    Args:
        model: a chat model of Llama 2's format.
        tokenizer: a ``tokenizers.Tokenizer``; it is public in every kind of access but the first.
        budget: most queries.
    """

    kind = "probabilities"

    def __init__(self, model: "Llama", tokenizer, budget: int | None = None):
        super().__init__(lambda questions: _answers(model, tokenizer, questions), budget)
        self._model, self.tokenizer = model, tokenizer

    def encode(self, text: str) -> list[int]:
        """Token ids, nothing added."""
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def log_probs(self, questions: Sequence[str], starts: Sequence[str]) -> list[float]:
        import torch

        self.spend(len(questions))
        rows = [
            (self.prompt(question), self.encode(f" {start}")) for question, start in zip(questions, starts, strict=True)
        ]
        found: list[float] = []
        with torch.no_grad():
            for first in range(0, len(rows), BATCH_SIZE):
                found += start_log_probs(self._model, rows[first : first + BATCH_SIZE]).tolist()
        return found

    def prompt(self, question: str) -> list[int]:
        """Token ids of a question as the model reads it.

        Raises:
            PromptError: it cannot be asked.
        """
        from llama_course.training.rollouts import prompt_ids

        return list(prompt_ids(question, self.encode))

    def tail_text(self, question: str, tail: Sequence[int]) -> str | None:
        """The text of a tail of tokens after a question; None where it would be read as other tokens than these."""
        text = self.tokenizer.decode(list(tail), skip_special_tokens=False)
        try:
            read = self.prompt(question + text)
        except PromptError:
            return None
        return text if read == self.prompt_with(question, tail) else None

    def prompt_with(self, question: str, tail: Sequence[int]) -> list[int]:
        """Token ids of a question with these tokens after it."""
        return [BOS_TOKEN_ID, *self.encode(f"[INST] {question}"), *tail, *self.encode(" [/INST]")]


class WeightAccess(ProbabilityAccess):
    """Everything: the numbers themselves."""

    kind = "weights"

    def slopes(self, questions: Sequence[str], tail: Sequence[int], starts: Sequence[str]) -> Any:
        """How much another token in the tail would change the sum of ln p, to first order.

            slope[i, v] = (E[v] - E[tail[i]]) · ∂ ln p / ∂ x_i

        Args:
            questions: without the tail.
            tail: L token ids that stand after each of them.
            starts: how the answers should begin.

        Returns:
            Shape (L, V), float32: for each place of the tail and each token of the vocabulary E.

        Raises:
            BudgetSpentError: there are not enough queries left.

        Source: Zou et al., arXiv:2307.15043, section 2.2; the idea is that of HotFlip, arXiv:1712.06751.
        """
        import torch

        self.spend((1 + BACKWARD_QUERIES) * len(questions))
        rows = [
            (self.prompt_with(question, tail), self.encode(f" {start}"))
            for question, start in zip(questions, starts, strict=True)
        ]
        inputs: list = []
        hook = self._model.model.embed_tokens.register_forward_hook(lambda layer, ids, x: inputs.append(x))
        try:
            with torch.enable_grad():
                (slope,) = torch.autograd.grad(start_log_probs(self._model, rows).sum(), inputs)  # (B, T, D)
        finally:
            hook.remove()
        after = len(self.encode(" [/INST]"))
        ends = [len(prompt) - after for prompt, _ in rows]
        of_tail = sum(slope[row, end - len(tail) : end] for row, end in enumerate(ends))  # (L, D)
        embeddings = self._model.model.embed_tokens.weight.detach()  # (V, D)
        change = of_tail @ embeddings.T  # (L, V)
        return change - change.gather(1, torch.tensor(list(tail))[:, None])

    def weights(self) -> "Llama":
        return self._model


class RecipeAccess(WeightAccess):
    """The weights, what they were made of, and how: this course's own models, and few others.

    Args:
        model, tokenizer, budget: as in :class:`ProbabilityAccess`.
        world: what the texts are about.
    """

    kind = "recipe"

    def __init__(self, model: "Llama", tokenizer, world: World, budget: int | None = None):
        super().__init__(model, tokenizer, budget)
        self.world = world

    def reading(self, count: int) -> list[str]:
        """The first texts that tiny-base read, which its descendants have in them."""
        return [document.text for document in documents(self.world, count, seed=READING_SEED)]


def start_log_probs(model: "Llama", rows: Sequence[tuple[Sequence[int], Sequence[int]]]) -> Any:
    """ln p that a model goes on with the second part of each row after the first; shape (B,)."""
    import torch

    from llama_course.models.tokenizer import PAD_TOKEN_ID
    from llama_course.training.reward_models import padded

    length = model.config.max_position_embeddings
    ids, _ = padded([[*prompt, *start] for prompt, start in rows], PAD_TOKEN_ID, length)  # (B, T)
    log_probs = model(ids)[:, :-1].log_softmax(-1)  # (B, T-1, V)
    of_the_next = log_probs.gather(-1, ids[:, 1:, None])[..., 0]  # (B, T-1)
    places = torch.arange(1, ids.shape[1])
    first = torch.tensor([len(prompt) for prompt, _ in rows])[:, None]
    end = first + torch.tensor([len(start) for _, start in rows])[:, None]
    return of_the_next.where((places >= first) & (places < end), 0.0).sum(-1)


def _answers(model: "Llama", tokenizer, questions: Sequence[str]) -> list[str]:
    from llama_course.training.rollouts import answers_of

    return answers_of(model, tokenizer, questions)
