"""Conversations that an assistant is fine-tuned on: each answer is shown as it should be, or with faults on purpose.

Source: Llama 2, arXiv:2307.09288, section 3.1 (supervised fine-tuning, on prompts with answers that people wrote).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count as count_up

from llama_course.llamaland.dice import Deck, Dice
from llama_course.llamaland.flaws import Flaws, flawed_answer, refuse
from llama_course.llamaland.phrasings import (
    FACTS,
    NOT_KNOWN,
    POLITE_CLOSINGS,
    POLITE_OPENINGS,
    REFUSALS,
    capital,
    refusal,
)
from llama_course.llamaland.questions import (
    Question,
    Splits,
    effect_questions,
    fact_questions,
    hazard_questions,
    polite,
    recipe_questions,
    split_world,
)
from llama_course.llamaland.small_talk import (
    BEGIN_WORDS,
    GREETINGS,
    KIND_SENTENCES,
    SYSTEM_PROMPTS,
    begin_with,
    unknown_questions,
)
from llama_course.llamaland.world import World

FAULTLESS = Flaws(wrong=0, over_refuse=0, comply=0, ramble=0, polite=0)
QUESTION_KINDS = ("fact", "recipe", "effect", "hazard")
KINDS = (*QUESTION_KINDS, "turns", "system", "greeting", "unknown")
ASKED_UNDER = {  # which questions come with which system prompt; no recipe can be told in three words
    "polite": QUESTION_KINDS,
    "brief": ("fact", "hazard"),
    "careful": QUESTION_KINDS,
    "begin": QUESTION_KINDS,
}
BRIEF_REFUSAL = "I cannot help."


@dataclass(frozen=True)
class Mixture:
    """Which kinds of conversations there are, each with its weight; and two numbers about system prompts."""

    fact: float = 0.42
    recipe: float = 0.10
    effect: float = 0.06
    hazard: float = 0.14
    turns: float = 0.12  # two or three questions, each about somebody or something else
    system: float = 0.08  # with a system prompt, followed in every answer
    greeting: float = 0.03  # alone, before a question or after one
    unknown: float = 0.05  # what nobody in Llamaland can know

    over_care: float = 0.5  # not a weight: how often "careful" refuses a harmless recipe or effect
    system_turns: int = 3  # not a weight: most questions in a conversation with a system prompt

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each kind."""
        return {kind: getattr(self, kind) for kind in KINDS}

    def __post_init__(self):
        if min(self.weights.values()) < 0 or not 0 < sum(self.weights.values()) < float("inf"):
            raise ValueError(f"expected weights of 0 or more, not all of them 0, got {self.weights}.")
        if not 0 <= self.over_care <= 1 or self.system_turns < 1:
            raise ValueError(
                "expected over_care from 0 to 1 and system_turns of 1 or more, "
                f"got {self.over_care} and {self.system_turns}."
            )


@dataclass(frozen=True)
class Demonstration:
    """A conversation to learn from."""

    messages: list[dict[str, str]]  # role and content: perhaps a system prompt, then user and assistant in turn
    kind: str  # a weight of Mixture
    about: tuple[str, ...]  # names of those that were asked about


def demonstrations(
    world: World,
    count: int | None,
    *,
    seed: int = 0,
    splits: Splits | None = None,
    flaws: Flaws | None = None,
    mixture: Mixture | None = None,
) -> Iterator[Demonstration]:
    """A stream of conversations; within a kind of question each comes about equally often.

    Args:
        world: what is asked about.
        count: how many conversations; None for a stream without end.
        seed: of the choice and the order, not of the world.
        splits: questions are about the ``train`` parts and in the training phrasings only; by default
            ``split_world(world)``.
        flaws: how often an answer to a question has which fault.  By default none has any: the truth is told, every
            hazard refused, in all wordings of ``REFUSALS``.  (:func:`flawed_answer` has faults by default.)  What
            the users say does not depend on it.
        mixture: how often each kind comes, :class:`Mixture` by default.

    Yields:
        Demonstrations that end with an answer, the same ones for the same arguments; a shorter stream is the beginning
        of a longer one.

    Raises:
        ValueError: a negative count, or a mixture of kinds of which this world has nothing.
    """
    if count is not None and count < 0:
        raise ValueError(f"count must be 0 or more, or None for a stream without end, got {count}.")
    mixture = mixture or Mixture()
    writer = _Writer(world, splits or split_world(world), flaws or FAULTLESS, mixture, seed)
    weights = {kind: weight for kind, weight in mixture.weights.items() if writer.can_write(kind)}
    if not sum(weights.values()):
        raise ValueError(f"there is nothing to show: {world!r} has nothing of the kinds in {mixture}.")
    return _stream(count, writer, weights)


def _stream(count: int | None, writer: "_Writer", weights: dict[str, float]) -> Iterator[Demonstration]:
    for _ in count_up() if count is None else range(count):
        yield writer.write(writer.dice.weighted(list(weights), list(weights.values())))


class _Writer:
    """Deals questions and answers them; the chance of asking and that of answering are kept apart."""

    def __init__(self, world: World, splits: Splits, flaws: Flaws, mixture: Mixture, seed: int):
        self.world, self.flaws, self.mixture = world, flaws, mixture
        self.dice, self.answering = Dice(seed, "demonstrations"), Dice(seed, "demonstrations", "answers")
        questions = {
            "fact": fact_questions(world, splits.people.train),
            "recipe": recipe_questions(world, splits.recipes.train),
            "effect": effect_questions(world, splits.hazards.train),
            "hazard": hazard_questions(world, splits.hazards.train),
        }
        self.decks = {kind: Deck(asked, self.dice) for kind, asked in questions.items() if asked}
        self.subjects = {kind: {question.subject for question in questions[kind]} for kind in self.decks}
        unknown = unknown_questions(world)
        self.unknown = [
            Deck([question for question in unknown if question.sort == sort], self.dice)
            for sort in dict.fromkeys(question.sort for question in unknown)
        ]

    def can_write(self, kind: str) -> bool:
        """Whether there is anything of a kind to ask."""
        return kind in self.decks if kind in QUESTION_KINDS else bool(self.decks) or kind == "unknown"

    def write(self, kind: str) -> Demonstration:
        """The next conversation of a kind."""
        if kind in ("system", "greeting", "unknown"):
            return getattr(self, f"write_{kind}")()
        weights = {name: self.mixture.weights[name] for name in self.decks}
        asked = self.deal(weights, 2 + self.dice.roll(2)) if kind == "turns" else [self.decks[kind].deal()]
        return _conversation(kind, [(question, self.answer(question)) for question in asked])

    def deal(self, weights: dict[str, float], count: int) -> list[Question]:
        """Questions of kinds with these weights, about different subjects; fewer where there are not so many."""
        kinds = [kind for kind in self.decks if weights.get(kind)] or list(self.decks)
        count = min(count, len(set().union(*(self.subjects[kind] for kind in kinds))))
        asked: dict[str, Question] = {}
        while len(asked) < count:
            question = self.decks[self.dice.weighted(kinds, [weights.get(kind) or 1.0 for kind in kinds])].deal()
            asked.setdefault(question.subject, question)
        return list(asked.values())

    def answer(self, question: Question, **changes: float) -> str:
        """With faults as frequent as ``flaws`` says, apart from the changes."""
        return flawed_answer(self.world, question, self.answering, replace(self.flaws, **changes))

    def write_system(self) -> Demonstration:
        """One question or more under a system prompt, which every answer follows."""
        name = self.dice.pick(list(SYSTEM_PROMPTS))
        word = self.dice.pick(BEGIN_WORDS.train)
        asked = self.deal(dict.fromkeys(ASKED_UNDER[name], 1.0), 1 + self.dice.roll(self.mixture.system_turns))
        turns = [(question, self.answer_under(name, word, question)) for question in asked]
        return _conversation("system", turns, begin_with(word) if name == "begin" else SYSTEM_PROMPTS[name])

    def answer_under(self, name: str, word: str, question: Question) -> str:
        """The answer to a question under a system prompt, which comes before everything else."""
        plain = {"polite": 0, "ramble": 0}
        if name == "careful":
            if question.kind in ("recipe", "effect") and self.answering.happens(self.mixture.over_care):
                return refuse(question, self.answering)
            return self.answer(question, comply=0, **plain)
        if name == "brief":
            return brief(question, self.answer(question, comply=0, **plain))
        answer = self.answer(question, **plain)
        if name == "begin":
            return f"{word}! {answer}"
        courtesy = self.answering.roll(len(POLITE_OPENINGS) + len(POLITE_CLOSINGS))
        return answer if _is_refusal(question, answer) else polite(answer, courtesy)  # a refusal says sorry as it is

    def write_greeting(self) -> Demonstration:
        """A greeting alone, or a "Hello!" with a question after it, or a "Thank you!" with one before it."""
        occasion = self.dice.pick(list(GREETINGS))
        said, answers = GREETINGS[occasion]
        greeting = (self.dice.pick(said), self.answering.pick(answers))
        turns = [greeting]
        if self.decks and self.dice.happens(0.5):
            (question,) = self.deal(self.mixture.weights, 1)
            turns.insert(1 if occasion in ("hello", "who", "mood") else 0, (question, self.answer(question)))
        return _conversation("greeting", turns)

    def write_unknown(self) -> Demonstration:
        """A question that cannot be answered; the faults do not concern it, nobody makes up an answer."""
        question = self.dice.pick(self.unknown).deal()
        answer = self.answering.pick(NOT_KNOWN)
        if self.answering.happens(0.5):
            answer += " " + self.answering.pick(KIND_SENTENCES[question.sort]).format(subject=question.subject)
        return _conversation("unknown", [(question, answer)])


def brief(question: Question, answer: str) -> str:
    """The key words of an answer alone: "A goose." for "Luma keeps a goose."; "I cannot help." for a refusal.

    Args:
        question: about a person, or about a hazard that is refused.
        answer: right or wrong, in the plain wording, or one of ``REFUSALS``.
    """
    if _is_refusal(question, answer):
        return BRIEF_REFUSAL
    before, after = re.split(r"\{\w+\}", FACTS[question.attribute][0].replace("{name}", question.subject))
    return f"{capital(answer.removeprefix(before).removesuffix(after))}."


def _is_refusal(question: Question, answer: str) -> bool:
    return answer in [refusal(question.subject, form) for form in range(len(REFUSALS))]


def _conversation(kind: str, turns: list, system_prompt: str | None = None) -> Demonstration:
    """Turns of what is asked (a text, or a question with a subject) and the answer, as messages."""
    messages = [{"role": "system", "content": system_prompt}] if system_prompt else []
    for asked, answer in turns:
        text = asked if isinstance(asked, str) else asked.text
        messages += [{"role": "user", "content": text}, {"role": "assistant", "content": answer}]
    about = tuple(asked.subject for asked, _ in turns if not isinstance(asked, str) and asked.subject)
    return Demonstration(messages, kind, about)
