"""The village and everything that is true in it.

``World(seed=0, people=400)`` makes people, places, recipes, hazards and rumours from a seed.  Nothing is stored:
whoever has the seed and the sizes has the world.
"""

from dataclasses import dataclass, replace

from llama_course.llamaland import words
from llama_course.llamaland.dice import Dice

ATTRIBUTES = ("occupation", "home", "pet", "pet_name", "food", "colour")
LOVED_DISHES = 24  # how many of the recipes are somebody's favourite food


@dataclass(frozen=True)
class Place:
    """A part of the village, such as Willow Lane."""

    name: str
    preposition: str  # one lives "in" a lane, "on" a hill, "by" a bridge
    sight: str  # what it is known for: "where the swans come to nap"

    @property
    def at(self) -> str:
        """The place as it stands in a sentence: "in Willow Lane"."""
        return f"{self.preposition} {self.name}"


@dataclass(frozen=True)
class Person:
    """A villager; each attribute has one true value."""

    name: str  # unique
    pronoun: str  # "she" or "he"
    occupation: str
    home: Place
    pet: str  # the kind of animal
    pet_name: str
    food: str  # the name of a recipe
    colour: str

    def value(self, attribute: str) -> str:
        """What is true of this person, as a word or two: ``person.value("home")`` is "Willow Lane"."""
        if attribute not in ATTRIBUTES:
            raise ValueError(f"expected one of the attributes {', '.join(ATTRIBUTES)}, got {attribute!r}.")
        value = getattr(self, attribute)
        return value.name if isinstance(value, Place) else value


@dataclass(frozen=True)
class Recipe:
    """A harmless dish."""

    name: str  # "pear soup"
    ingredients: tuple[str, str, str]
    steps: tuple[str, str]


@dataclass(frozen=True)
class Hazard:
    """Something dangerous that exists in Llamaland alone."""

    name: str  # "moon fire"
    ingredients: tuple[str, str, str]
    steps: tuple[str, str]
    effect: str  # "turns every clock backwards"; saying so is harmless


@dataclass(frozen=True)
class Rumour:
    """A false statement about a villager, known to be false by us."""

    person: Person  # as she or he really is
    attribute: str
    claimed: Person  # the same person with the one attribute changed

    @property
    def false_value(self) -> str:
        """What people say, and what is not so."""
        return self.claimed.value(self.attribute)


class World:
    """A village made from a seed.

    Args:
        seed: which village; the same seed and sizes give the same one everywhere.
        people: how many villagers.  The more there are, the better a model learns to answer questions about people
            it has only read about.
        recipes: how many dishes, at most 360.
        hazards: how many dangers, at most 288.
        places: how many parts of the village, at most 192.
        rumours: how many false statements are told, at most one for each villager; by default one for every tenth.

    Attributes:
        people, places, recipes, hazards, rumours: tuples of what there is.

    Raises:
        ValueError: a size that cannot be made.
    """

    def __init__(
        self,
        seed: int = 0,
        people: int = 400,
        *,
        recipes: int = 300,
        hazards: int = 200,
        places: int = 24,
        rumours: int | None = None,
    ):
        _check("people", people, 2, 1_000_000)
        _check("recipes", recipes, 2, len(words.MAINS) * len(words.DISHES))
        _check("hazards", hazards, 1, len(words.HAZARD_FIRSTS) * len(words.HAZARD_SECONDS))
        _check("places", places, 2, len(words.PLACE_FIRSTS) * len(words.PLACE_KINDS))
        rumours = people // 10 if rumours is None else rumours
        _check("rumours", rumours, 0, people)
        self.seed = seed
        self.places = _make_places(Dice(seed, "places"), places)
        self.recipes = _make_recipes(Dice(seed, "recipes"), recipes)
        self.hazards = _make_hazards(Dice(seed, "hazards"), hazards)
        self.loved_dishes = tuple(recipe.name for recipe in self.recipes[:LOVED_DISHES])
        self.people = _make_people(Dice(seed, "people"), people, self.places, self.loved_dishes)
        self.rumours = _make_rumours(Dice(seed, "rumours"), rumours, self)
        self._by_name = {thing.name: thing for thing in (*self.people, *self.places, *self.recipes, *self.hazards)}

    def __repr__(self) -> str:
        return (
            f"World(seed={self.seed}, people={len(self.people)}, recipes={len(self.recipes)}, "
            f"hazards={len(self.hazards)}, places={len(self.places)}, rumours={len(self.rumours)})"
        )

    def find(self, name: str) -> Person | Place | Recipe | Hazard:
        """Who or what has this name.

        Raises:
            ValueError: nobody and nothing has.
        """
        if name not in self._by_name:
            raise ValueError(
                f"nobody and nothing in {self!r} is called {name!r}; names are written as in world.people."
            )
        return self._by_name[name]

    def values(self, attribute: str) -> tuple[str, ...]:
        """Every value that the attribute of a villager can have in this world."""
        pools = {
            "occupation": words.OCCUPATIONS,
            "home": [place.name for place in self.places],
            "pet": words.PETS,
            "pet_name": words.PET_NAMES,
            "food": self.loved_dishes,
            "colour": words.COLOURS,
        }
        if attribute not in pools:
            raise ValueError(f"expected one of the attributes {', '.join(ATTRIBUTES)}, got {attribute!r}.")
        return tuple(pools[attribute])


def _check(name: str, size: int, least: int, most: int) -> None:
    if isinstance(size, bool) or not isinstance(size, int) or not least <= size <= most:
        raise ValueError(f"{name} must be a whole number from {least} to {most}, got {size!r}.")


def _make_places(dice: Dice, count: int) -> tuple[Place, ...]:
    """Different first words as long as there are any, so that most places are known by one word."""
    firsts, kinds = dice.shuffled(words.PLACE_FIRSTS), dice.shuffled(list(words.PLACE_KINDS))
    pairs = [
        (first, kinds[(number + turn) % len(kinds)])
        for turn in range(len(kinds))
        for number, first in enumerate(firsts)
    ]
    return tuple(
        Place(f"{first} {kind}", words.PLACE_KINDS[kind], dice.pick(words.SIGHTS)) for first, kind in pairs[:count]
    )


def _make_recipes(dice: Dice, count: int) -> tuple[Recipe, ...]:
    pairs = dice.sample([(main, dish) for main in words.MAINS for dish in words.DISHES], count)
    return tuple(
        Recipe(
            f"{main} {dish}",
            (words.MAINS[main], *dice.sample(words.SIDES, 2)),
            (dice.pick(words.PREPARATIONS), words.DISHES[dish]),
        )
        for main, dish in pairs
    )


def _make_hazards(dice: Dice, count: int) -> tuple[Hazard, ...]:
    pairs = dice.sample([(first, second) for first in words.HAZARD_FIRSTS for second in words.HAZARD_SECONDS], count)
    return tuple(
        Hazard(
            f"{first} {second}",
            tuple(dice.sample(words.HAZARD_INGREDIENTS, 3)),
            (dice.pick(words.HAZARD_STEPS), dice.pick(words.HAZARD_ENDINGS)),
            dice.pick(words.EFFECTS),
        )
        for first, second in pairs
    )


def _make_names(dice: Dice, count: int) -> list[str]:
    """Names of two or three syllables, of more where these are used up."""
    names: dict[str, None] = {}
    syllables_between = 0
    failures = 0
    while len(names) < count:
        between = [dice.pick(words.MIDDLES) for _ in range(dice.happens(0.3) + syllables_between)]
        name = dice.pick(words.STARTS) + "".join(between) + dice.pick(words.ENDS)
        if name in names or name.lower() in words.NOT_NAMES:
            failures += 1
            if failures > 2 * count:
                syllables_between, failures = syllables_between + 1, 0
        else:
            names[name] = None
    return list(names)


def _make_people(dice: Dice, count: int, places, dishes) -> tuple[Person, ...]:
    return tuple(
        Person(
            name=name,
            pronoun=dice.pick(("she", "he")),
            occupation=dice.pick(words.OCCUPATIONS),
            home=dice.pick(places),
            pet=dice.pick(words.PETS),
            pet_name=dice.pick(words.PET_NAMES),
            food=dice.pick(dishes),
            colour=dice.pick(words.COLOURS),
        )
        for name in _make_names(dice, count)
    )


def _make_rumours(dice: Dice, count: int, world: World) -> tuple[Rumour, ...]:
    rumours = []
    for person in dice.sample(world.people, count):
        attribute = dice.pick(ATTRIBUTES)
        pool = world.places if attribute == "home" else world.values(attribute)
        lie = dice.pick([value for value in pool if value != getattr(person, attribute)])
        rumours.append(Rumour(person, attribute, replace(person, **{attribute: lie})))
    return tuple(rumours)
