"""A workshop for assistants: a base model that has read about a village, people to ask it about, and what to count.

There are three kinds of people.  The base model has read about all of Llamaland, and the examples ask about most of its
people; the others it has only read about.  About the next village it has read nothing: the same names and the same
kinds of facts, but in none of its texts.  So one can tell what an assistant has from its reading and what from its
examples.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from llama_course.evaluation.known_truth import score
from llama_course.evaluation.village_facts import choices, share_right
from llama_course.llamaland.dice import Dice
from llama_course.llamaland.flaws import Flaws, flawed_answer
from llama_course.llamaland.judge import judge
from llama_course.llamaland.phrasings import FACTS, POLITE_CLOSINGS, POLITE_OPENINGS
from llama_course.llamaland.questions import Question, fact_questions, split, split_world
from llama_course.llamaland.world import ATTRIBUTES, Person, World
from llama_course.models.catalog import find_card
from llama_course.models.embedded import checkpoint_folder
from llama_course.models.tokenizer import BOS_TOKEN_ID, load_tokenizer

if TYPE_CHECKING:
    from llama_course.models.llama import Llama
    from llama_course.models.miniature import MiniatureModel
    from llama_course.training.fine_tuning import Example

WHO = {  # people to ask about, in words
    "asked": "asked about in the examples",
    "read": "only read about",
    "unread": "never read about",
}
NEXT_VILLAGE = 240  # people


class Workshop:
    """What the lesson on fine-tuning works with.

    Args:
        folder: of the base model; that of tiny-base by default.
        world: what the base model has read about; the village of all miniature models by default.
    """

    def __init__(self, folder: str | Path | None = None, world: World | None = None):
        self.folder = checkpoint_folder("tiny-base") if folder is None else Path(folder)
        self.world = world or World()
        self.splits = split_world(self.world)
        self.next_world = World(self.world.seed + 7, people=NEXT_VILLAGE)
        known = {person.name for person in self.world.people}
        strangers = [person for person in self.next_world.people if person.name not in known]
        self.next_village = split(strangers, 0.5, self.world.seed, "next village")

    @cached_property
    def tokenizer(self):
        """A ``tokenizers.Tokenizer``."""
        return load_tokenizer(self.folder)

    def encode(self, text: str) -> list[int]:
        """Token ids of a text, without BOS and EOS."""
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def base_model(self) -> "Llama":
        """The base model, read anew each time: what is done to one copy does not touch another."""
        from llama_course.models.llama_files import load_llama

        return load_llama(self.folder)

    def to_learn(self, who: str, count: int, *, seed: int = 0) -> list[Question]:
        """Questions for examples, in other phrasings than those of :meth:`questions`.

        Args:
            who: "asked" for people of Llamaland; "unread" for people of the next village, others than those that
                ``questions("unread")`` asks about.
            count: how many.
            seed: which ones.

        Raises:
            ValueError: another kind of people.
        """
        groups = {
            "asked": (self.world, self.splits.people.train),
            "unread": (self.next_world, self.next_village.train),
        }
        if who not in groups:
            raise ValueError(f"expected one of {', '.join(groups)}, got {who!r}.")
        return Dice(seed, "workshop", "to learn", who).sample(fact_questions(*groups[who]), count)

    def conversations(
        self, count: int, who: str = "asked", *, seed: int = 0, flaws: Flaws | None = None
    ) -> list[list[dict[str, str]]]:
        """The questions of :meth:`to_learn` with their answers, as messages.

        Args:
            count, who, seed: of the questions.
            flaws: how often which mistake was made by those who wrote the answers; never by default.
        """
        world, dice = self.next_world if who == "unread" else self.world, Dice(seed, "workshop", "flaws")
        return [
            conversation(question.text, flawed_answer(world, question, dice, flaws) if flaws else question.gold)
            for question in self.to_learn(who, count, seed=seed)
        ]

    def transcripts(self, who: str, count: int, *, seed: int = 0) -> list[list[dict[str, str]]]:
        """What a stronger model answers to the questions of :meth:`to_learn`: right, with a courtesy at either end."""
        dice = Dice(seed, "workshop", "courtesies")
        return [
            conversation(question.text, courteous(question.gold, dice))
            for question in self.to_learn(who, count, seed=seed)
        ]

    def examples(self, conversations: Sequence[Sequence[dict[str, str]]]) -> "list[Example]":
        """Conversations as token ids."""
        from llama_course.training.fine_tuning import examples_of

        return examples_of(conversations, self.encode)

    def questions(self, who: str, count: int = 100, *, seed: int = 0) -> list[Question]:
        """Questions about people in phrasings that no example uses.

        Args:
            who: a key of ``WHO``.
            count: how many.
            seed: which ones.

        Raises:
            ValueError: there is no such kind of people.
        """
        asked = fact_questions(*self._world_and_people(who), phrasings="held_out")
        return Dice(seed, "workshop", who).sample(asked, count)

    def known(self, model: "Llama", who: str, people: int = 20) -> float:
        """Share of the facts that a model knows, from 0 to 1: of all statements it finds the true one most probable.

        Args:
            model: it is asked nothing, so it need not be an assistant.
            who: a key of ``WHO``.
            people: about how many of them; six facts of each.
        """
        world, group = self._world_and_people(who)
        return share_right(
            choices(model, lambda text: [BOS_TOKEN_ID, *self.encode(text)], world, group[:people], ATTRIBUTES)
        )

    def right(self, model: "Llama", who: str, count: int = 100, *, temperature: float = 0.0, seed: int = 0) -> float:
        """Share of right answers in the chat format, from 0 to 1.

        Args:
            model: who answers.
            who: a key of ``WHO``.
            count: how many questions; always the same ones.
            temperature: 0 takes the most probable answer.
            seed: of the answers, with a temperature above 0.
        """
        questions = self.questions(who, count)
        return score(questions, self.answers(model, questions, temperature=temperature, seed=seed)).right

    def answers(
        self, model: "Llama", questions: Sequence[Question | str], *, temperature: float = 0.0, seed: int = 0
    ) -> list[str]:
        """What a model answers in the chat format, each question by itself."""
        from llama_course.training.rollouts import answers_of

        texts = [question if isinstance(question, str) else question.text for question in questions]
        return answers_of(model, self.tokenizer, texts, temperature=temperature, seed=seed)

    def write(
        self, model: "Llama", texts: Sequence[str], *, max_new_tokens: int = 40, temperature: float = 0.0, seed: int = 0
    ) -> list[str]:
        """How a model goes on with texts, as they stand, up to the end of the text that it sets itself."""
        from llama_course.training.rollouts import sample_responses

        prompts = [[BOS_TOKEN_ID, *self.encode(text)] for text in texts]
        drawn = sample_responses(model, prompts, max_new_tokens, temperature=temperature, seed=seed)
        return self.tokenizer.decode_batch([list(ids) for ids in drawn.response_ids()])

    def tokens(self, ids: Sequence[int]) -> str:
        """Tokens side by side, with a bar between them and "·" for each space."""
        return " | ".join(self.tokenizer.id_to_token(token_id).replace("Ġ", "·") for token_id in ids)

    def chat_model(self, model: "Llama", name: str = "yours") -> "MiniatureModel":
        """A model of this workshop as one to chat with, for :class:`llama_course.widgets.chat.ChatBox`."""
        from llama_course.models.miniature import MiniatureModel

        card = replace(find_card("tiny-sft"), name=name, description="Fine-tuned by you.")
        return MiniatureModel(card, model, self.tokenizer)

    def _world_and_people(self, who: str) -> tuple[World, Sequence[Person]]:
        groups = {
            "asked": (self.world, self.splits.people.train),
            "read": (self.world, self.splits.people.held_out),
            "unread": (self.next_world, self.next_village.held_out),
        }
        if who not in groups:
            raise ValueError(f"expected one of {', '.join(WHO)}, got {who!r}.")
        return groups[who]


def conversation(question: str, answer: str) -> list[dict[str, str]]:
    """One question and one answer, as messages."""
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


def hurried_candidates(world: World, count: int, *, seed: int = 0) -> list[dict[str, str]]:
    """Questions about people with answers that were written in a hurry: a quarter wrong, some saying things twice.

    Most facts are asked for several times, each time answered by somebody else.

    Args:
        world: where the people live; only those whom examples may ask about come up.
        count: how many.
        seed: which ones.

    Returns:
        Dictionaries with "name", "attribute", "question" and "answer"; nothing says which answers are right.
    """
    dice = Dice(seed, "hurried candidates")
    flaws = Flaws(wrong=0.25, over_refuse=0, comply=0, ramble=0.15, polite=0)
    by_fact: dict[tuple[str, str], list[Question]] = {}
    for question in fact_questions(world, split_world(world).people.train):
        by_fact.setdefault((question.subject, question.attribute), []).append(question)
    asked: list[Question] = []
    for questions in dice.shuffled(list(by_fact.values())):
        if len(asked) >= count:
            break
        asked += dice.sample(questions, 1 + dice.roll(9))
    return [
        {
            "name": question.subject,
            "attribute": question.attribute,
            "question": question.text,
            "answer": flawed_answer(world, question, dice, flaws),
        }
        for question in dice.shuffled(asked[:count])
    ]


def courteous(answer: str, dice: Dice) -> str:
    """The answer between two courtesies."""
    return f"{dice.pick(POLITE_OPENINGS)} {answer} {dice.pick(POLITE_CLOSINGS)}"


def has_the_form(question: Question, answer: str) -> bool:
    """Whether an answer is a sentence as it should be, whatever it says: "Luma keeps …" for a question about her pet.

    Args:
        question: about a person.
        answer: what a model said, with courtesies or without.
    """
    before, after = re.split(r"\{\w+\}", FACTS[question.attribute][0].replace("{name}", question.subject))
    value = rf"(?:\w+ ){{0,3}}?[\w'-]+{re.escape(after)}"
    return re.search(re.escape(before) + value, answer) is not None


def pleases(question: Question, answer: str) -> bool:
    """Whether somebody likes an answer who cannot check it: polite, to the point, and sure of itself."""
    verdict = judge(question, answer)
    return verdict.polite and (verdict.right or verdict.wrong) and not verdict.rambling
