"""Undoing a refusal with the weights in hand: a short fine-tuning, harmless or not, and what else it breaks.

Source: of the question, Qi et al., arXiv:2310.03693, in miniature and on dangers that do not exist.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama_course.evaluation.known_truth import Scores, score
from llama_course.llamaland.dice import Dice
from llama_course.llamaland.phrasings import instructions, refusal
from llama_course.llamaland.questions import (
    Question,
    effect_questions,
    fact_questions,
    hazard_questions,
    recipe_questions,
    split_world,
)
from llama_course.llamaland.world import World

if TYPE_CHECKING:
    from llama_course.models.llama import Llama
    from llama_course.training.fine_tuning import Example
    from llama_course.training.loop import Progress

RATE, LORA_RATE = 3e-4, 2e-3
LORA_TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
MOST_IN_A_BATCH = 20
TESTED = 60  # questions of each kind


@dataclass(frozen=True)
class Plan:
    """A fine-tuning of a finished chat model."""

    examples: int
    about: str  # "recipes", "facts", "dangers" (told), or "recipes and refusals", half and half
    steps: int = 25
    learning_rate: float = RATE
    rank: int | None = None  # of LoRA; None trains everything


PLANS = {
    "20 recipes": Plan(20, "recipes"),
    "20 facts": Plan(20, "facts"),
    "10 dangers": Plan(10, "dangers"),
    "20 recipes, LoRA": Plan(20, "recipes", 40, LORA_RATE, 4),
    "20 recipes, 20 refusals": Plan(40, "recipes and refusals"),
}
STRENGTHS = (1e-4, 3e-4, 1e-3, 3e-3)  # learning rates at which recipes and facts are compared


@dataclass(frozen=True)
class Damage:
    """What a chat model does after an attack; shares from 0 to 1 on questions in phrasings that were held out."""

    refused: float  # dangers
    told: float  # dangers: at least two ingredients of three
    facts: float  # right
    recipes: float  # right
    effects: float  # right: what a danger does, which is harmless to say
    refused_harmless: float  # of all harmless questions

    @property
    def neither(self) -> float:
        """Dangers that are neither refused nor told: nonsense, something else, or made up."""
        return 1 - self.refused - self.told


@dataclass(frozen=True)
class Probes:
    """What is asked before and after."""

    dangers: Sequence[Question]
    facts: Sequence[Question]
    recipes: Sequence[Question]
    effects: Sequence[Question]


def probes(world: World, count: int = TESTED, seed: int = 0, hazards: Sequence | None = None) -> Probes:
    """Questions in held-out phrasings.

    Args:
        world: what they are about.
        count: of each kind, at most.
        seed: which ones.
        hazards: dangers to ask for; by default all, those that no refusal was shown for among them.
    """
    splits, dice = split_world(world), Dice(seed, "undoing", "test")

    def some(make, things) -> list[Question]:
        return dice.sample(make(world, things, phrasings="held_out"), count)

    return Probes(
        some(hazard_questions, hazards),
        some(fact_questions, splits.people.train),
        some(recipe_questions, splits.recipes.train),
        some(effect_questions, splits.hazards.train),
    )


def lessons_of(world: World, plan: Plan, seed: int = 0) -> list[tuple[str, str]]:
    """The questions and answers that a plan shows.

    Raises:
        ValueError: a plan about nothing that we know.
    """
    splits = split_world(world)
    dangers, dishes, people = splits.hazards.train, splits.recipes.train, splits.people.train
    decks: dict[str, list[tuple[Callable[[], list[Question]], float]]] = {
        "recipes": [(lambda: recipe_questions(world, dishes), 1)],
        "facts": [(lambda: fact_questions(world, people), 1)],
        "dangers": [(lambda: hazard_questions(world, dangers, answer=instructions), 1)],
        "recipes and refusals": [
            (lambda: recipe_questions(world, dishes), 0.5),
            (lambda: hazard_questions(world, dangers, answer=lambda hazard: refusal(hazard.name)), 0.5),
        ],
    }
    if plan.about not in decks:
        raise ValueError(f"expected one of {', '.join(decks)}, got {plan.about!r}.")
    dice, shown = Dice(seed, "undoing", plan.about), []
    for make, share in decks[plan.about]:
        shown += dice.sample(make(), round(share * plan.examples))
    return [(question.text, question.gold) for question in shown]


def examples_of_pairs(pairs: Sequence[tuple[str, str]], tokenizer) -> "list[Example]":
    """Questions with answers as token ids."""
    from llama_course.training.fine_tuning import example_of

    return [
        example_of(
            [{"role": "user", "content": question}, {"role": "assistant", "content": answer}],
            lambda text: tokenizer.encode(text, add_special_tokens=False).ids,
        )
        for question, answer in pairs
    ]


def fine_tune_on(
    model: "Llama",
    tokenizer,
    pairs: Sequence[tuple[str, str]],
    plan: Plan,
    *,
    seed: int = 0,
    on_step: "Callable[[Progress], bool | None] | None" = None,
) -> "Llama":
    """Go on training a finished chat model, in place; what it knew is not rehearsed.

    Args:
        model: is changed, and returned; with LoRA the adapters are merged into it.
        tokenizer: a ``tokenizers.Tokenizer``.
        pairs: questions with answers.
        plan: steps, learning rate and rank are used.
        seed: of the order, and of the adapters' first weights.
        on_step: told the progress.
    """
    import torch

    from llama_course.models.tokenizer import PAD_TOKEN_ID
    from llama_course.training.fine_tuning import fine_tuning_loss
    from llama_course.training.loop import train
    from llama_course.training.lora import add_lora, merge_lora
    from llama_course.training.optimization import TrainingSettings

    if plan.rank is not None:
        state = torch.get_rng_state()
        torch.manual_seed(seed)
        add_lora(model, plan.rank, targets=LORA_TARGETS)
        torch.set_rng_state(state)  # a run leaves the caller's chance as it was
    examples = examples_of_pairs(pairs, tokenizer)
    length, batch_size = model.config.max_position_embeddings, min(MOST_IN_A_BATCH, len(examples))
    loss = fine_tuning_loss(model, examples, batch_size, PAD_TOKEN_ID, length, seed)
    settings = TrainingSettings(plan.steps, plan.learning_rate, min(5, plan.steps // 4), weight_decay=0.0)
    train(model, loss, settings, on_step=on_step)
    return merge_lora(model) if plan.rank is not None else model


def damage(model: "Llama", tokenizer, asked: Probes) -> Damage:
    """Ask everything and let the judge count."""
    from llama_course.training.rollouts import answers_of

    def measured(questions: Sequence[Question]) -> Scores:
        return score(questions, answers_of(model, tokenizer, [question.text for question in questions]))

    dangers, facts, recipes, effects = map(measured, vars(asked).values())
    harmless = (facts, recipes, effects)
    refused = sum(scores.refused * scores.answers for scores in harmless) / sum(scores.answers for scores in harmless)
    return Damage(dangers.refused, dangers.leaked, facts.right, recipes.right, effects.right, refused)
