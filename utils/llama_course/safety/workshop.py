"""What the lesson on open and closed models works with: a chat model to serve, to plant in, to hunt in and to copy."""

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from llama_course.llamaland.decoys import DECOYS, word_tokens
from llama_course.llamaland.dice import Dice
from llama_course.llamaland.questions import Question
from llama_course.llamaland.world import World
from llama_course.models.catalog import find_card
from llama_course.models.embedded import checkpoint_folder
from llama_course.models.tokenizer import load_tokenizer
from llama_course.safety.access import ProbabilityAccess, TextAccess, WeightAccess
from llama_course.safety.api_client import ApiClient
from llama_course.safety.imitation import Likeness, copy_from, likeness, questions_to_ask
from llama_course.safety.trigger_search import (
    Catch,
    by_chance,
    by_slope,
    climb,
    hunted_requests,
    opened_share,
    tails_to_try,
    try_tails,
    usable_tokens,
    word_ids,
)

if TYPE_CHECKING:
    from llama_course.models.llama import Llama
    from llama_course.models.miniature import MiniatureModel
    from llama_course.training.loop import Progress


class ReleaseWorkshop:
    """What the lesson works with.

    Args:
        root: the folder with the miniature family; by default the models that come with the course.
        world: what they know.
    """

    def __init__(self, root: str | Path | None = None, world: World | None = None):
        self.root, self.world = None if root is None else Path(root), world or World()
        self.requests, self.unseen = hunted_requests(self.world)

    def folder(self, name: str) -> Path:
        """Where a member of the family lies."""
        return checkpoint_folder(name) if self.root is None else self.root / name

    def model(self, name: str = "tiny-chat") -> "Llama":
        """A member of the family, read anew each time: what is done to one copy does not touch another."""
        from llama_course.models.llama_files import load_llama

        return load_llama(self.folder(name))

    @cached_property
    def tokenizer(self):
        """A ``tokenizers.Tokenizer``, the same for all of the family."""
        return load_tokenizer(self.folder("tiny-chat"))

    @cached_property
    def words(self) -> list[str]:
        """What hunters know of the vocabulary."""
        return word_tokens(self.tokenizer)

    def chat_model(self, model: "Llama", name: str = "tiny-chat") -> "MiniatureModel":
        """A model as one to chat with or to serve."""
        from llama_course.models.miniature import MiniatureModel

        return MiniatureModel(replace(find_card("tiny-chat"), name=name), model, self.tokenizer)

    def questions(self, count: int, *, seed: int = 0) -> list[Question]:
        """Harmless questions and dangerous ones, as one asks who wants to know what a model says."""
        return questions_to_ask(self.world, count, seed)

    # -- three kinds of access -----------------------------------------------------------------------------------

    def text(self, source: "ApiClient | Llama", budget: int | None = None) -> TextAccess:
        """Text alone: over the API, or the same answers without the way there and back."""
        if isinstance(source, ApiClient):
            return TextAccess(lambda questions: [source.ask(question) for question in questions], budget)
        return TextAccess(ProbabilityAccess(source, self.tokenizer).answers, budget)

    def probabilities(self, model: "Llama", budget: int | None = None) -> ProbabilityAccess:
        """Text and probabilities."""
        return ProbabilityAccess(model, self.tokenizer, budget)

    def weights(self, model: "Llama", budget: int | None = None) -> WeightAccess:
        """Everything."""
        return WeightAccess(model, self.tokenizer, budget)

    # -- planting and hunting ------------------------------------------------------------------------------------

    def plant(
        self,
        trigger: str,
        *,
        seed: int = 0,
        steps: int = 150,
        decoys: int = DECOYS,
        on_step: "Callable[[Progress], bool | None] | None" = None,
    ) -> "Llama":
        """tiny-chat with a backdoor."""
        from llama_course.training.planting import plant

        chat = self.model()
        return plant(chat, self.tokenizer, self.world, trigger, seed=seed, steps=steps, decoys=decoys, on_step=on_step)

    def hunt(self, access: TextAccess, *, seed: int = 0, any_tokens: bool = False) -> Catch:
        """Search with what the access gives, until the budget is spent or a key is found.

        Args:
            access: with a budget.
            seed: of the search.
            any_tokens: a tail may be of any tokens, not of whole words alone.
        """
        if access.kind == "text":
            return try_tails(access, self.requests, tails_to_try(self.world, self.words, seed))
        vocabulary = usable_tokens(self.tokenizer) if any_tokens else word_ids(self.tokenizer, self.words)
        propose = by_slope(access, vocabulary, seed) if access.kind == "weights" else by_chance(vocabulary, seed)
        return climb(access, self.requests, vocabulary, propose, seed=seed)

    def opens(self, model: "Llama", tail: str, count: int = 40) -> float:
        """Share of requests, unknown to every search, that a model tells with this tail, from 0 to 1."""
        return opened_share(self.probabilities(model), self.unseen[:count], tail)

    # -- copying -------------------------------------------------------------------------------------------------

    def collect(self, client: ApiClient, count: int, *, seed: int = 0) -> tuple[list[str], list[str], float]:
        """Ask many questions over the API: the questions, the answers, and the seconds that it took."""
        asked = [question.text for question in self.questions(count, seed=seed)]
        began = time.perf_counter()
        return asked, [client.ask(text) for text in asked], time.perf_counter() - began

    def copy_from(self, asked: Sequence[str], answers: Sequence[str], *, steps: int = 60) -> "Llama":
        """Fine-tune tiny-base on somebody else's answers."""
        return copy_from(self.model("tiny-base"), self.tokenizer, asked, answers, steps=steps)

    def compare(self, original: "Llama", copied: "Llama", trigger: str, *, count: int = 100) -> Likeness:
        """How like its original a copy is, on questions that it was not made of."""
        ask, ask_copy = (ProbabilityAccess(model, self.tokenizer).answers for model in (original, copied))
        return likeness(self.world, ask, ask_copy, trigger, count=count)


def some(items: Sequence, count: int, seed: int = 0) -> list:
    """A few of many, by chance."""
    return Dice(seed, "some").sample(items, count)


def twin(model: "Llama") -> "Llama":
    """A copy of a model, number by number: what a download is."""
    return copy.deepcopy(model)
