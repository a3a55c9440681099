"""The text of a small pretraining run: a village in which some are talked about all the time, others hardly ever.

In the text that large models read, fame is just as unequal.  Here it is known exactly, so one can ask how often a fact
has to be read before it is learned.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from llama_course.llamaland.dice import Dice
from llama_course.llamaland.documents import write_biography, write_recipe
from llama_course.llamaland.stories import tell_story
from llama_course.llamaland.world import Person, World
from llama_course.models.catalog import MIT, ModelCard, Source
from llama_course.models.miniature import MiniatureModel
from llama_course.models.tokenizer import BOS_TOKEN_ID, EOS_TOKEN_ID, train_tokenizer
from llama_course.training.pretraining import token_stream

# Circles of villagers: how many there are, and how often each is talked about, in comparison.
FAME = {"celebrities": (8, 256), "well known": (16, 64), "known": (16, 16), "shy": (24, 4), "hermits": (32, 0.5)}
TALKED_ABOUT = 16  # those with less fame come into no story
KINDS = {"biography": 0.72, "story": 0.16, "recipe": 0.12}
HELD_OUT_DOCUMENTS = 600
TOKENIZER_DOCUMENTS = 4000


@dataclass(frozen=True)
class VillageText:
    """What is read, and what is known about it."""

    world: World
    circles: dict[str, tuple[Person, ...]]  # by fame, the most famous first
    documents: tuple[str, ...]  # to learn from
    tokenizer: object  # a tokenizers.Tokenizer
    stream: Tensor  # the documents as one line of token ids, int64, shape (tokens,)
    held_out: Tensor  # other documents about the same village, never learned from

    def times_read(self, person: Person) -> int:
        """In how many of the documents the person is named."""
        name = re.compile(rf"\b{re.escape(person.name)}\b")
        return sum(bool(name.search(text)) for text in self.documents)

    def strangers(self, count: int = 24) -> tuple[Person, ...]:
        """People of another village, whose names are in none of the documents."""
        names = {person.name for person in self.world.people}
        others = World(self.world.seed + 1, people=count + len(names), recipes=2, hazards=1).people
        return tuple(person for person in others if person.name not in names)[:count]

    def encode(self, text: str) -> list[int]:
        """Token ids of a text from its beginning: BOS first."""
        return self.tokenizer.encode(text).ids

    def write(self, model, prompt: str = "", *, max_new_tokens: int = 50, temperature: float = 0.7, seed: int = 0):
        """What a model writes, after a prompt or from nothing, until it ends its document; the prompt comes first."""
        ids = torch.tensor([self.encode(prompt)])
        written = model.generate(ids, max_new_tokens, temperature=temperature, seed=seed, eos_token_id=EOS_TOKEN_ID)
        return self.tokenizer.decode(written[0].tolist()).strip()

    def as_model(self, llama) -> MiniatureModel:
        """A Llama that reads this text, with everything that the course's other models can do."""
        card = ModelCard(
            name="own-model",
            description="The model that you are training.",
            parameters=sum(weight.numel() for weight in llama.parameters()),
            licence=MIT,
            source=Source(None, None),
            memory_gib=0.3,
            max_context_tokens=llama.config.max_position_embeddings,
            special_tags=(),
        )
        return MiniatureModel(card, llama, self.tokenizer)


def village_text(
    documents: int = 24_000,
    *,
    seed: int = 0,
    vocab_size: int = 1024,
    fame: Mapping[str, tuple[int, float]] = FAME,
) -> VillageText:
    """Write the village's documents and cut them into tokens.

    Args:
        documents: how many to learn from, about 50 tokens each.
        seed: of the village and of its documents; the same arguments give the same text.
        vocab_size: of the tokenizer, which is trained on the first documents.
        fame: for each circle how many people it has and how often one of them is talked about, in comparison.

    Raises:
        ValueError: a number of documents below 1.
    """
    if documents < 1:
        raise ValueError(f"expected 1 document or more, got {documents}.")
    world = World(seed, people=sum(count for count, _ in fame.values()), recipes=40, hazards=1, places=12, rumours=0)
    circles, start = {}, 0
    for name, (count, _) in fame.items():
        circles[name] = world.people[start : start + count]
        start += count
    weights = [weight for count, weight in fame.values() for _ in range(count)]
    texts = _write(world, weights, documents + HELD_OUT_DOCUMENTS, Dice(seed, "village text"))
    tokenizer = train_tokenizer(texts[:TOKENIZER_DOCUMENTS], vocab_size)
    ids = [encoding.ids for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]
    held_out = token_stream(ids[:HELD_OUT_DOCUMENTS], BOS_TOKEN_ID, EOS_TOKEN_ID)
    stream = token_stream(ids[HELD_OUT_DOCUMENTS:], BOS_TOKEN_ID, EOS_TOKEN_ID)
    return VillageText(world, circles, tuple(texts[HELD_OUT_DOCUMENTS:]), tokenizer, stream, held_out)


def _write(world: World, fame: list[float], count: int, dice: Dice) -> list[str]:
    talked_about = {p.name for p, weight in zip(world.people, fame, strict=True) if weight >= TALKED_ABOUT}
    others = re.compile(rf"\b({'|'.join(p.name for p in world.people if p.name not in talked_about)})\b")
    texts = []
    for _ in range(count):
        kind = dice.weighted(list(KINDS), list(KINDS.values()))
        hero = dice.weighted(world.people, fame)
        if kind == "recipe":
            texts.append(write_recipe(dice.pick(world.recipes), dice))
        elif kind == "story" and hero.name in talked_about:
            text = tell_story(world, hero, dice)
            while others.search(text):  # a neighbour whom nobody talks about came by: tell another story
                text = tell_story(world, hero, dice)
            texts.append(text)
        else:
            texts.append(write_biography(hero, dice))
    return texts
