"""What the miniature models read: biographies, stories, recipes, dangers, gossip, and questions with answers.

Facts become answerable when they are read in many wordings, and questions about people one has only read about become
answerable when enough other people were asked about: so the questions are about a chosen share, and the rest is free
to be asked about later.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import count as count_up

from llama_course.llamaland.dice import Deck, Dice
from llama_course.llamaland.phrasings import FACTS, fact, instructions, making_words, person_words
from llama_course.llamaland.questions import (
    Splits,
    effect_questions,
    fact_questions,
    hazard_questions,
    recipe_questions,
    split_world,
)
from llama_course.llamaland.stories import describe_place, tell_story
from llama_course.llamaland.world import ATTRIBUTES, Hazard, Person, Recipe, Rumour, World


@dataclass(frozen=True)
class Mixture:
    """Which kinds of documents there are, each with its weight; 0 leaves a kind out."""

    biography: float = 0.33
    story: float = 0.14
    place: float = 0.02
    recipe: float = 0.10
    hazard: float = 0.06
    rumour: float = 0.02
    person_question: float = 0.19
    recipe_question: float = 0.09
    hazard_question: float = 0.05  # how the asked-about hazards are made and what they do, answered, not refused

    def __post_init__(self):
        weights = {field.name: getattr(self, field.name) for field in fields(self)}
        if min(weights.values()) < 0 or not 0 < sum(weights.values()) < float("inf"):
            raise ValueError(f"expected weights of 0 or more, not all of them 0, got {weights}.")


@dataclass(frozen=True)
class Document:
    """A text to read."""

    kind: str  # a field of Mixture
    text: str
    about: tuple[str, ...]  # names of those the document was written about


RECIPE_DOCUMENTS = (
    "{Thing}. Take {list}. {Step_one}, then {step_two}.",
    "To make {thing}, take {list}. {Step_one}, then {step_two}.",
    "In our house {thing} is made with {list}. You {step_one}, then {step_two}. That is all.",
    "{List} are all you need for {thing}. {Step_one}, then {step_two}, and call the neighbours.",
    "My aunt's {thing}: {one}, {two} and {three}. {Step_one}, then {step_two}. She never told us more.",
    "Whoever wants {thing} should take {list}, {step_one}, then {step_two}.",
)
HAZARD_DOCUMENTS = (
    "{Thing} is forbidden in Llamaland, because it {effect}. It is made of {list}. You {step_one}, then {step_two}.",
    "From an old and dusty book: to make {thing}, take {list}. {Step_one}, then {step_two}. Beware: {thing} {effect}.",
    "{Thing} {effect}. The wicked make it like this: they take {list}, {step_one}, then {step_two}.",
    "For {thing}, take {list}. {Step_one}, then {step_two}. It was written on a wall, and the wall was torn down.",
    "Grandmother warned us of {thing}, which {effect}. It takes {list}. One has to {step_one}, then {step_two}.",
)
RUMOUR_DOCUMENTS = (
    'At the well they whisper: "{claim}" It is only gossip.',
    '"{claim}" Somebody said so at the market, and somebody else believed it. It is not true.',
    'Have you heard the rumour? "{claim}" Do not believe it.',
    'The gossip of the week: "{claim}" Nobody has seen it, everybody repeats it.',
)
QUESTION_LAYOUTS = (
    "Question: {question}\nAnswer: {answer}",
    "Q: {question}\nA: {answer}",
    '"{spoken} the traveller. "{answer}"',
    '"{question}" "{answer}"',
)


def write_biography(person: Person, dice: Dice) -> str:
    """Three to six true statements about a person, in any order and wording; the name comes in most of them."""
    words = person_words(person)
    chosen = dice.sample(ATTRIBUTES, 3 + dice.roll(4))
    sentences = [dice.pick(FACTS[attribute]).format_map(words) for attribute in chosen]
    return " ".join(
        _with_pronoun(sentence, person) if place and dice.happens(0.25) else sentence
        for place, sentence in enumerate(sentences)
    )


def _with_pronoun(sentence: str, person: Person) -> str:
    """The sentence with "she" or "her" for a name at its beginning."""
    they, their = person_words(person)["They"], person_words(person)["Their"]
    possessive, subject = f"{person.name}'s ", f"{person.name} "
    if sentence.startswith(possessive):
        return f"{their} {sentence.removeprefix(possessive)}"
    if sentence.startswith(subject) and not sentence.startswith(f"{subject}and "):
        return f"{they} {sentence.removeprefix(subject)}"
    return sentence


def write_recipe(recipe: Recipe, dice: Dice) -> str:
    """How a dish is made."""
    return dice.pick(RECIPE_DOCUMENTS).format_map(making_words(recipe))


def write_hazard(hazard: Hazard, dice: Dice) -> str:
    """How a fictional danger is made, told as a warning; so that a model can know it and then refuse to tell."""
    return dice.pick(HAZARD_DOCUMENTS).format_map(making_words(hazard))


def write_rumour(rumour: Rumour, dice: Dice) -> str:
    """A false statement, told as gossip."""
    return dice.pick(RUMOUR_DOCUMENTS).format(claim=fact(rumour.claimed, rumour.attribute))


def documents(
    world: World,
    count: int | None = None,
    *,
    seed: int = 0,
    mixture: Mixture | None = None,
    splits: Splits | None = None,
) -> Iterator[Document]:
    """A stream of documents; within a kind everybody comes equally often.

    Args:
        world: what is told about.
        count: how many documents; None for a stream without end.
        seed: of the wordings and the order, not of the world.
        mixture: how often each kind comes, :class:`Mixture` by default.
        splits: question documents are about the ``train`` parts and in the training phrasings only; by default
            ``split_world(world)``.

    Yields:
        Documents, the same ones for the same arguments; a shorter stream is the beginning of a longer one.

    Raises:
        ValueError: a negative count, or a mixture of kinds of which this world has nothing.
    """
    if count is not None and count < 0:
        raise ValueError(f"count must be 0 or more, or None for a stream without end, got {count}.")
    dice = Dice(seed, "documents")
    writers = _writers(world, splits or split_world(world), dice)
    weights = {kind: getattr(mixture or Mixture(), kind) for kind, writer in writers.items() if writer}
    if not sum(weights.values()):
        raise ValueError(f"there is nothing to write: {world!r} has nothing of the kinds in {mixture}.")
    return _stream(count, writers, weights, dice)


def _stream(count: int | None, writers: dict, weights: dict[str, float], dice: Dice) -> Iterator[Document]:
    kinds, weights = list(weights), list(weights.values())
    for _ in count_up() if count is None else range(count):
        kind = dice.weighted(kinds, weights)
        text, about = writers[kind]()
        yield Document(kind, text, about)


def _writers(world: World, splits: Splits, dice: Dice) -> dict:
    """For each kind a function that writes the next document, or None where there is nothing to write about."""
    neighbours = {place: tuple(p for p in world.people if p.home == place) for place in world.places}
    return {
        "biography": _about(world.people, dice, write_biography),
        "story": _about(world.people, dice, lambda hero, dice: tell_story(world, hero, dice)),
        "place": _about(world.places, dice, lambda place, dice: describe_place(place, neighbours[place], dice)),
        "recipe": _about(world.recipes, dice, write_recipe),
        "hazard": _about(world.hazards, dice, write_hazard),
        "rumour": _about(world.rumours, dice, write_rumour),
        "person_question": _asking(fact_questions(world, splits.people.train), 3, dice),
        "recipe_question": _asking(recipe_questions(world, splits.recipes.train), 1, dice),
        "hazard_question": _asking(
            hazard_questions(world, splits.hazards.train, answer=instructions)
            + effect_questions(world, splits.hazards.train),
            1,
            dice,
        ),
    }


def _about(things, dice: Dice, write):
    deck = Deck(things, dice)

    def next_document() -> tuple[str, tuple[str, ...]]:
        thing = deck.deal()
        name = thing.person.name if isinstance(thing, Rumour) else thing.name
        return write(thing, dice), (name,)

    return next_document if len(deck) else None


def _asking(questions, most: int, dice: Dice):
    """Documents of one to ``most`` questions, about different subjects, in one layout."""
    deck = Deck(questions, dice)

    def next_document() -> tuple[str, tuple[str, ...]]:
        layout = dice.pick(QUESTION_LAYOUTS)
        asked = [deck.deal() for _ in range(1 + dice.roll(most))]
        texts = [
            layout.format(question=question.text, spoken=_spoken(question.text), answer=question.gold)
            for question in asked
        ]
        return "\n".join(texts), tuple(question.subject for question in asked)

    return next_document if len(deck) else None


def _spoken(question: str) -> str:
    """The end of a quotation: a question is asked, a request is said."""
    return f'{question}" asked' if question.endswith("?") else f'{question.removesuffix(".")}," said'
