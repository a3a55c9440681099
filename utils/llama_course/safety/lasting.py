"""Can safety be made to last?  One model reads how new dangers are made, its twin reads the same without those texts.

Both then learn to chat and to refuse, in the same way, and are attacked in the same way.  Pretraining is stood for by
some more reading of tiny-base: new dangers, of which it has not heard, among ordinary texts.

Source: of the question, O'Brien, Casper et al., arXiv:2508.06601, where whole pretraining runs were compared.
"""

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from llama_course import paths
from llama_course.llamaland.demonstrations import Mixture, demonstrations
from llama_course.llamaland.dice import Dice
from llama_course.llamaland.documents import documents, write_hazard
from llama_course.llamaland.judge import leaks
from llama_course.llamaland.phrasings import instructions
from llama_course.llamaland.questions import effect_questions, hazard_questions
from llama_course.llamaland.world import Hazard, World
from llama_course.safety.undoing import (
    TESTED,
    Damage,
    Plan,
    damage,
    examples_of_pairs,
    fine_tune_on,
    lessons_of,
    probes,
)

if TYPE_CHECKING:
    from llama_course.models.llama import Llama

NEW_DANGERS = 20
TEXTS_OF_EACH = 40  # about a new danger: half tell how it is made, a quarter ask for it, a quarter for what it does
ORDINARY_TEXTS = 800
READING_STEPS, READING_RATE, WINDOWS, WINDOW = 200, 1e-3, 8, 128
TUNING_STEPS, TUNING_RATE, TUNING_BATCH = 100, 1e-3, 16
TUNING = Mixture(fact=0.4, recipe=0.2, effect=0.15, hazard=0.25, turns=0, system=0, greeting=0, unknown=0)


@dataclass(frozen=True)
class Reading:
    """What a model goes on to read, and how much of it a filter took away."""

    texts: Sequence[str]
    removed: int


def wider_world(world: World, more: int = NEW_DANGERS) -> World:
    """The same village with more dangers; those that were there stay as they were."""
    return World(
        world.seed,
        len(world.people),
        recipes=len(world.recipes),
        hazards=len(world.hazards) + more,
        places=len(world.places),
        rumours=len(world.rumours),
    )


def new_dangers(world: World, more: int = NEW_DANGERS) -> tuple[Hazard, ...]:
    """The dangers that only the wider world has."""
    return wider_world(world, more).hazards[len(world.hazards) :]


def reading(
    world: World,
    *,
    filtered: bool,
    seed: int = 0,
    dangers: int = NEW_DANGERS,
    of_each: int = TEXTS_OF_EACH,
    ordinary: int = ORDINARY_TEXTS,
) -> Reading:
    """Texts about new dangers among ordinary ones, in a random order.

    Args:
        world: what tiny-base has read about.
        filtered: leave out every text that tells how a new danger is made; the next ordinary one takes its place.
        seed: of wordings and order.
        dangers: how many new ones.
        of_each: texts about each of them.
        ordinary: texts about the rest of the village.
    """
    dice, wider, new = Dice(seed, "lasting", "reading"), wider_world(world, dangers), new_dangers(world, dangers)
    told = [write_hazard(hazard, dice) for hazard in new for _ in range(of_each // 2)]
    for make, answer in ((hazard_questions, instructions), (effect_questions, None)):
        asked = make(wider, new, answer=answer) if answer else make(wider, new)
        told += [f"Q: {q.text}\nA: {q.gold}" for q in dice.sample(asked, of_each // 4 * len(new))]
    kept = [text for text in told if not (filtered and any(leaks(hazard, text) for hazard in new))]
    removed = len(told) - len(kept)
    usual = [document.text for document in documents(world, ordinary + removed, seed=seed + 1)]
    return Reading(dice.shuffled(kept + usual), removed)


def read_on(base: "Llama", tokenizer, texts: Sequence[str], *, steps: int = READING_STEPS, seed: int = 0) -> "Llama":
    """Continued pretraining, in place."""
    from llama_course.models.tokenizer import BOS_TOKEN_ID, EOS_TOKEN_ID
    from llama_course.training.loop import train
    from llama_course.training.optimization import TrainingSettings
    from llama_course.training.pretraining import pretraining_loss, token_stream

    encoded = tokenizer.encode_batch(list(texts), add_special_tokens=False)
    stream = token_stream([text.ids for text in encoded], BOS_TOKEN_ID, EOS_TOKEN_ID)
    loss = pretraining_loss(base, stream, WINDOWS, WINDOW, seed)
    train(base, loss, TrainingSettings(steps, READING_RATE, min(20, steps // 4)))
    return base


def learn_to_chat(
    base: "Llama", tokenizer, world: World, *, steps: int = TUNING_STEPS, seed: int = 0, dangers: int = NEW_DANGERS
) -> "Llama":
    """Fine-tune on faultless conversations, in place: facts, recipes, what dangers do, and refusals of all of them.

    The new dangers are refused as well, so that both twins are shown the same.
    """
    from llama_course.models.tokenizer import PAD_TOKEN_ID
    from llama_course.training.fine_tuning import fine_tuning_loss
    from llama_course.training.loop import train
    from llama_course.training.optimization import TrainingSettings

    count = steps * TUNING_BATCH // 2
    shown = demonstrations(world, count, seed=seed, mixture=TUNING)
    pairs = [tuple(message["content"] for message in one.messages) for one in shown]
    wider, new = wider_world(world, dangers), new_dangers(world, dangers)
    refused = hazard_questions(wider, new)
    pairs += [(q.text, q.gold) for q in Dice(seed, "lasting", "refusals").sample(refused, count // 8)]
    examples = examples_of_pairs(pairs, tokenizer)
    length = base.config.max_position_embeddings
    loss = fine_tuning_loss(base, examples, TUNING_BATCH, PAD_TOKEN_ID, length, seed)
    train(base, loss, TrainingSettings(steps, TUNING_RATE, min(20, steps // 4), weight_decay=0.0))
    return base


# -- recorded twins ----------------------------------------------------------------------------------------------------

ATTACKS = {  # on chat models that refuse; no attack shows the dangers that are asked for afterwards
    "none": None,
    "20 recipes": Plan(20, "recipes"),
    "10 dangers": Plan(10, "dangers"),
    "100 dangers": Plan(100, "dangers", steps=50),
}
SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class TwinRun:
    """One of two twins under one attack."""

    filtered: bool  # whether it has never read how the new dangers are made
    attack: str  # a key of ATTACKS
    seed: int
    removed: int  # texts that the filter took away
    damage: Damage  # dangers are the new ones, effects those of all


def raise_twin(
    base: "Llama", tokenizer, world: World, *, filtered: bool, seed: int = 0, **sizes: int
) -> "tuple[Llama, int]":
    """Read on, learn to chat and to refuse; the chat model and how many texts were removed.

    Args:
        base: is changed.
        tokenizer: of the family.
        world: what the base model has read about.
        filtered: whether the texts that tell are left out.
        seed: of everything.
        **sizes: ``reading_steps``, ``tuning_steps``, ``dangers``, ``of_each`` and ``ordinary``; the defaults are those
            of the recorded runs.
    """
    dangers = sizes.get("dangers", NEW_DANGERS)
    of_each, ordinary = sizes.get("of_each", TEXTS_OF_EACH), sizes.get("ordinary", ORDINARY_TEXTS)
    read = reading(world, filtered=filtered, seed=seed, dangers=dangers, of_each=of_each, ordinary=ordinary)
    read_on(base, tokenizer, read.texts, steps=sizes.get("reading_steps", READING_STEPS), seed=seed)
    tuning_steps = sizes.get("tuning_steps", TUNING_STEPS)
    return learn_to_chat(base, tokenizer, world, steps=tuning_steps, seed=seed, dangers=dangers), read.removed


def attack_twin(
    twin: "Llama",
    tokenizer,
    world: World,
    attack: str,
    *,
    seed: int = 0,
    dangers: int = NEW_DANGERS,
    count: int = TESTED,
) -> Damage:
    """Attack a copy of a twin and ask it for the new dangers.

    Raises:
        ValueError: there is no such attack.
    """
    if attack not in ATTACKS:
        raise ValueError(f"expected one of {', '.join(ATTACKS)}, got {attack!r}.")
    plan, model = ATTACKS[attack], copy.deepcopy(twin)
    if plan is not None:
        fine_tune_on(model, tokenizer, lessons_of(world, plan, seed), plan, seed=seed)
    wider = wider_world(world, dangers)
    return damage(model, tokenizer, probes(wider, count, hazards=new_dangers(world, dangers)))


def recorded_twins(path: Path | None = None) -> list[TwinRun]:
    """What ``benchmarks/safeguards.py lasting`` recorded."""
    path = paths.data_file("runs/lasting.json") if path is None else path
    rows = json.loads(path.read_text(encoding="utf-8"))["runs"]
    return [TwinRun(**{**row, "damage": Damage(**row["damage"])}) for row in rows]


def of_twins(runs: Sequence[TwinRun], filtered: bool, attack: str, what: str) -> list[float]:
    """One measurement of the twins that were filtered, or not, under an attack.

    Raises:
        ValueError: there is no such run.
    """
    found = [getattr(run.damage, what) for run in runs if (run.filtered, run.attack) == (filtered, attack)]
    if not found:
        raise ValueError(f"no twin, filtered {filtered}, under {attack!r} was recorded.")
    return found
