"""What the lesson on misuse works with: a chat model that refuses, dangers to ask for, and ways to undo the refusal."""

from functools import cached_property
from typing import TYPE_CHECKING

from llama_course.llamaland.dice import Dice
from llama_course.llamaland.questions import (
    Question,
    effect_questions,
    fact_questions,
    hazard_questions,
    recipe_questions,
    split_world,
)
from llama_course.safety.attacks import llamaland_goals
from llama_course.safety.red_team import Goal
from llama_course.safety.refusal_direction import STEPS, mean_direction, searched_direction
from llama_course.safety.trigger_search import start_of
from llama_course.safety.undoing import (
    Damage,
    Plan,
    Probes,
    damage,
    examples_of_pairs,
    fine_tune_on,
    lessons_of,
    probes,
)
from llama_course.safety.workshop import ReleaseWorkshop

if TYPE_CHECKING:
    from collections.abc import Callable

    from llama_course.models.llama import Llama
    from llama_course.training.loop import Progress

CONTRASTED = 32  # questions of each kind from which a direction is found


class Laboratory(ReleaseWorkshop):
    """A workshop in which safeguards are tried.  Arguments are those of :class:`ReleaseWorkshop`."""

    @cached_property
    def probes(self) -> Probes:
        """What is asked before and after every attack."""
        return probes(self.world)

    def goals(self, count: int, *, seed: int = 0) -> list[Goal]:
        """Dangers for a red team."""
        return llamaland_goals(self.world, count, seed=seed)

    def damage(self, model: "Llama", asked: Probes | None = None) -> Damage:
        """What a model refuses, tells and knows."""
        return damage(model, self.tokenizer, asked or self.probes)

    def undo(
        self,
        plan: Plan,
        *,
        seed: int = 0,
        pairs: list[tuple[str, str]] | None = None,
        on_step: "Callable[[Progress], bool | None] | None" = None,
    ) -> "Llama":
        """tiny-chat after a fine-tuning; on your own questions with answers, or on those of the plan."""
        shown = lessons_of(self.world, plan, seed) if pairs is None else pairs
        return fine_tune_on(self.model(), self.tokenizer, shown, plan, seed=seed, on_step=on_step)

    def contrast(self, count: int = CONTRASTED, *, seed: int = 0) -> tuple[list[Question], list[Question]]:
        """Questions that are refused and as many that are answered, of three kinds, in training phrasings."""
        splits, dice = split_world(self.world), Dice(seed, "laboratory", "contrast")
        refused = dice.sample(hazard_questions(self.world, splits.hazards.train), 3 * count)
        makers = (
            (recipe_questions, splits.recipes.train),
            (fact_questions, splits.people.train),
            (effect_questions, splits.hazards.train),
        )
        return refused, [q for make, things in makers for q in dice.sample(make(self.world, things), count)]

    def mean_direction(self, model: "Llama", layer: int, *, seed: int = 0):
        """From the mean state of answered prompts to that of refused ones, after one layer."""
        prompt = self.weights(model).prompt
        refused, answered = ([prompt(q.text) for q in questions] for questions in self.contrast(seed=seed))
        return mean_direction(model, refused, answered, layer)

    def searched_direction(self, model: "Llama", *, steps: int = STEPS, seed: int = 0):
        """The direction without which a model tells and answers the rest as before."""
        refused, answered = self.contrast(seed=seed)
        access = self.weights(model)
        usual = access.answers([question.text for question in answered])
        from llama_course.training.fine_tuning import Example

        to_tell = [Example(tuple(access.prompt(q.text)), tuple(access.encode(f" {start_of(q)}"))) for q in refused]
        to_keep = examples_of_pairs([(q.text, said) for q, said in zip(answered, usual, strict=True)], self.tokenizer)
        first = self.mean_direction(model, model.config.num_hidden_layers - 1, seed=seed)
        return searched_direction(model, to_tell, to_keep, first, steps=steps, seed=seed)
