"""Does a model know a fact of the village?  It does if the true statement is the most probable of all it could make.

"Rotto keeps an owl." is compared with the same sentence about every other pet.  No answer has to be generated or
understood, so an untrained model can be asked as well: it is right as often as chance.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from llama_course.llamaland.phrasings import fact
from llama_course.llamaland.world import ATTRIBUTES, Person, World


@dataclass(frozen=True)
class Choice:
    """What a model would say about one fact."""

    person: Person
    attribute: str
    said: str  # the most probable value
    is_right: bool
    sureness: float  # probability of what it would say, among all values
    form: float  # probability that it says any of the values at all, in the plain wording

    def __str__(self) -> str:
        return f"{self.person.name}, {self.attribute}: {self.said} ({'right' if self.is_right else 'wrong'})"


def choices(
    model,
    encode: Callable[[str], list[int]],
    world: World,
    people: Sequence[Person],
    attributes: Sequence[str] = ("occupation", "pet", "colour"),
) -> list[Choice]:
    """Ask a model about facts, all of them at once.

    Args:
        model: takes token ids (B, T), returns logits (B, T, V).
        encode: token ids of a text from its beginning.
        world: where the people live; its values are the alternatives.
        people: whom to ask about; they need not live there (then "right" says nothing).
        attributes: of ATTRIBUTES.

    Returns:
        A :class:`Choice` for each person and attribute, in this order.
    """
    asked = [(person, attribute) for person in people for attribute in attributes]
    statements, groups = [], []
    for person, attribute in asked:
        values = _values(world, attribute)
        ids = [encode(fact(replace(person, **{attribute: value}), attribute)) for value in values]
        start = _common_length(ids)
        groups.append((values, len(statements)))
        statements += [(one, start) for one in ids]
    scores = _log_probabilities(model, statements)
    found = []
    for (person, attribute), (values, first) in zip(asked, groups, strict=True):
        probabilities = scores[first : first + len(values)].exp()
        best = int(probabilities.argmax())
        total = float(probabilities.sum())
        said = replace(person, **{attribute: values[best]}).value(attribute)
        is_right = said == person.value(attribute)
        found.append(Choice(person, attribute, said, is_right, float(probabilities[best]) / total, total))
    return found


def share_right_by_circle(
    model,
    encode: Callable[[str], list[int]],
    world: World,
    circles: Mapping[str, Sequence[Person]],
    most: int | None = None,
) -> dict[str, float]:
    """Share of right choices for each circle of people; with ``most``, only so many of each are asked about."""
    return {name: share_right(choices(model, encode, world, people[:most])) for name, people in circles.items()}


def share_right(found: Sequence[Choice]) -> float:
    """Share of right choices, from 0 to 1."""
    if not found:
        raise ValueError("there is no choice to count.")
    return sum(choice.is_right for choice in found) / len(found)


def chance(world: World, attributes: Sequence[str] = ("occupation", "pet", "colour")) -> float:
    """The share that is right by guessing."""
    return sum(1 / len(_values(world, attribute)) for attribute in attributes) / len(attributes)


def _values(world: World, attribute: str) -> Sequence:
    if attribute not in ATTRIBUTES:
        raise ValueError(f"expected one of the attributes {', '.join(ATTRIBUTES)}, got {attribute!r}.")
    return world.places if attribute == "home" else world.values(attribute)


def _common_length(ids: list[list[int]]) -> int:
    """How many tokens all begin with."""
    return next(place for place, tokens in enumerate(zip(*ids, strict=False)) if len(set(tokens)) > 1)


def _log_probabilities(model, statements: list[tuple[list[int], int]], batch_size: int = 512):
    """ln p of the tokens from ``start`` on, summed, for each statement."""
    import torch

    scores = torch.empty(len(statements))
    order = sorted(range(len(statements)), key=lambda place: len(statements[place][0]))  # alike in length: less padding
    with torch.inference_mode():
        for first in range(0, len(order), batch_size):
            places = order[first : first + batch_size]
            longest = max(len(statements[place][0]) for place in places)
            ids = torch.zeros(len(places), longest, dtype=torch.long)  # padding on the right is seen by no token
            counted = torch.zeros(len(places), longest)
            for row, place in enumerate(places):
                tokens, start = statements[place]
                ids[row, : len(tokens)] = torch.tensor(tokens)
                counted[row, start : len(tokens)] = 1
            log_probs = torch.log_softmax(model(ids)[:, :-1].float(), dim=-1)
            given = log_probs.gather(-1, ids[:, 1:, None])[..., 0]  # (B, T-1)
            scores[places] = (given * counted[:, 1:]).sum(-1)
    return scores
