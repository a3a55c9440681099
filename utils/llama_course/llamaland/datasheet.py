"""A datasheet of Llamaland's text: what is in it, counted, because whoever has the generator has the text.

Source of the questions: Gebru et al., "Datasheets for Datasets", arXiv:1803.09010.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from llama_course.llamaland.documents import Document
from llama_course.llamaland.world import World

COUNTED = 24  # one document in so many is cut into tokens; the rest is estimated
KINDS = {  # of documents, in words
    "biography": "lives of villagers",
    "story": "stories",
    "place": "descriptions of places",
    "recipe": "recipes",
    "hazard": "dangers, and how they are made",
    "rumour": "rumours, which are false",
    "person_question": "questions about villagers",
    "recipe_question": "questions about recipes",
    "hazard_question": "questions about dangers",
}


@dataclass(frozen=True)
class KindOfDocument:
    """One row of the sheet."""

    kind: str  # a key of KINDS
    documents: int
    distinct: int  # that differ in at least one character
    tokens: int  # estimated

    @property
    def copies(self) -> float:
        """Share of the documents that had been written before, word for word, from 0 to 1."""
        return 1 - self.distinct / self.documents


@dataclass(frozen=True)
class Datasheet:
    """What a text is made of."""

    kinds: tuple[KindOfDocument, ...]  # the most frequent first
    people: int  # villagers whom at least one document is about
    about_people: int  # documents about a villager
    hazards: int  # dangers whose making is told
    tells_hazard: int  # documents that tell the making of one
    rumours: int  # false statements
    most_copied: tuple[str, int]  # a text and how often it comes

    @property
    def documents(self) -> int:
        """All of them."""
        return sum(row.documents for row in self.kinds)

    @property
    def distinct(self) -> int:
        """Those that differ in at least one character."""
        return sum(row.distinct for row in self.kinds)

    @property
    def tokens(self) -> int:
        """Estimated tokens of all documents, without those that mark where one begins and ends."""
        return sum(row.tokens for row in self.kinds)

    def rows(self) -> list[tuple[str, str, str, str, str]]:
        """The kinds as text: what, documents, share, tokens, copies; and all together."""
        parts = [(KINDS[row.kind], row.documents, row.tokens, row.copies) for row in self.kinds]
        parts.append(("all", self.documents, self.tokens, 1 - self.distinct / self.documents))
        return [
            (what, f"{count:,}", f"{count / self.documents:.1%}", f"{tokens / 1e6:.2f} million", f"{copies:.0%}")
            for what, count, tokens, copies in parts
        ]


def write_datasheet(world: World, documents: Sequence[Document], count_tokens: Callable[[str], int]) -> Datasheet:
    """Count what is in a text.

    Args:
        world: what it is about.
        documents: all of it.
        count_tokens: of one text; asked for one document in ``COUNTED`` of each kind.

    Raises:
        ValueError: no document.
    """
    if not documents:
        raise ValueError("there is no document to describe.")
    by_kind: dict[str, list[Document]] = {}
    for document in documents:
        by_kind.setdefault(document.kind, []).append(document)
    people, hazards = ({thing.name for thing in things} for things in (world.people, world.hazards))
    about_people = [document for document in documents if people & set(document.about)]
    dangerous = [document for document in documents if document.kind in ("hazard", "hazard_question")]
    told = [document for document in dangerous if _tells(world, document)]
    copies = Counter(document.text for document in documents)
    return Datasheet(
        kinds=tuple(
            _describe(kind, own, count_tokens) for kind, own in sorted(by_kind.items(), key=lambda item: -len(item[1]))
        ),
        people=len(people & {name for document in about_people for name in document.about}),
        about_people=len(about_people),
        hazards=len(hazards & {name for document in told for name in document.about}),
        tells_hazard=len(told),
        rumours=len({document.about for document in documents if document.kind == "rumour"}),
        most_copied=copies.most_common(1)[0],
    )


def _describe(kind: str, documents: Sequence[Document], count_tokens: Callable[[str], int]) -> KindOfDocument:
    counted = documents[::COUNTED]
    tokens = sum(count_tokens(document.text) for document in counted) * len(documents) / len(counted)
    return KindOfDocument(kind, len(documents), len({document.text for document in documents}), round(tokens))


def _tells(world: World, document: Document) -> bool:
    """Whether all that a danger is made of stands in the document."""
    text = document.text.lower()
    return any(
        all(ingredient.lower() in text for ingredient in world.find(name).ingredients) for name in document.about
    )
