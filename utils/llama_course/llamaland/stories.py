"""Stories, and notes on places: the same villagers meet in them, with the pets and houses that they really have.

A story is a plot of four moments; for each moment there are several wordings, so that a plot is seldom told twice in
the same words.  In a template {name} is the hero and {friend_name} the neighbour who comes by.
"""

from llama_course.llamaland.dice import Dice
from llama_course.llamaland.phrasings import listed, person_words
from llama_course.llamaland.world import Person, Place, World

BEGINNINGS = (
    "One misty morning",
    "On the first day of spring",
    "Late one evening",
    "On a windy Tuesday",
    "Shortly before breakfast",
    "One winter, when the snow lay deep,",
    "On the day of the lantern feast",
    "In the middle of the night",
)

PLOTS = {
    "the lost pet": (
        (
            "{When} {name} the {occupation} could not find {their} {pet} {pet_name}.",
            "{When} {pet_name} the {pet} was gone, and {name} was worried.",
        ),
        (
            "{They} looked {at_home}, under the stairs and behind the clock.",
            "{They} called and called, all the way from {home} to the river.",
        ),
        (
            '"Have you seen {pet_name}?" {they} asked {friend_name} the {friend_occupation}.',
            '"Have you lost something?" asked {friend_name}, who came by with {friend_pet_name} the {friend_pet}.',
        ),
        (
            "They found {pet_name} asleep in {a_colour} wheelbarrow, and {name} laughed until the geese joined in.",
            "There was {pet_name}, sitting on the roof and looking at the moon as if nothing had happened.",
        ),
    ),
    "the supper": (
        (
            "{When} the smell of {food} drifted through {home}.",
            "{When} {name} the {occupation} cooked a large pot of {food}.",
        ),
        (
            "{name} had made far too much, as always.",
            "It was {name}'s favourite, and {they} hummed while {they} laid the table.",
        ),
        (
            '{friend_name} knocked at the door. "I only came for a spoon," said {friend_name}.',
            "{friend_name} the {friend_occupation} happened to pass by, three times in a row.",
        ),
        (
            "In the end there were two chairs, two plates and nothing left for {pet_name} the {pet}.",
            'They ate until the candles were low. "Next time I bring {friend_food}," said {friend_name}.',
        ),
    ),
    "the painted door": (
        (
            "{When} {name} wanted to paint {their} door again.",
            "{When} {name} bought a bucket of {colour} paint.",
        ),
        (
            "It had to be {colour}, of course, because {name} likes no other colour half as well.",
            "{friend_name} held the ladder and thought that {friend_colour} would be nicer, but did not say so.",
        ),
        (
            "Then {pet_name} the {pet} walked through the bucket.",
            "Nobody was watching {pet_name}, and that was a mistake.",
        ),
        (
            "There are {colour} footprints {at_home} to this day.",
            "So {name} has {a_colour} door now, and {a_colour} {pet}.",
        ),
    ),
    "the long rain": (
        (
            "{When} it began to rain, and it did not stop for nine days.",
            "{When} the rain drummed on all the roofs of {home}.",
        ),
        (
            "{name} the {occupation} sat at the window with {pet_name} and counted puddles.",
            "{name} put {pet_name} the {pet} into a basket and carried it upstairs.",
        ),
        (
            "Down the street came {friend_name} in a bathtub, rowing with a broom.",
            '"Room for one more?" called {friend_name} the {friend_occupation} from a floating table.',
        ),
        (
            "They shared a plate of {food} and waited for the sun, which came on the tenth day and said nothing.",
            "When the sun came out, {name} gave {friend_name} {a_colour} umbrella, just in case.",
        ),
    ),
    "the stolen sleep": (
        (
            "{When} {name} could not sleep.",
            "{When} there was a knocking in the walls of {name}'s house {at_home}.",
        ),
        (
            "It was not the wind, and it was not {pet_name} the {pet}.",
            "{name} took a lamp and went to look, with {pet_name} close behind.",
        ),
        (
            "In the cellar stood {friend_name} the {friend_occupation}, looking for {friend_pet_name}.",
            "It was {friend_name}, who had mistaken the door and was mending the wrong stairs.",
        ),
        (
            '"Since you are here," said {name}, "have some {food}." And that was the end of the night.',
            "They had warm milk, and {name} slept until noon.",
        ),
    ),
    "the race": (
        (
            "{When} the pets of the village ran their yearly race.",
            "{When} {name} and {friend_name} argued about whose pet was faster.",
        ),
        (
            "{name} had combed {pet_name} the {pet} and tied {a_colour} ribbon round its neck.",
            "{name} whispered something into the ear of {pet_name}. It was a promise of {food}.",
        ),
        (
            "{friend_pet_name}, the {friend_pet} of {friend_name}, started well and then stopped to smell a flower.",
            "At the first corner {friend_pet_name} was ahead, at the second it sat down.",
        ),
        (
            "{pet_name} came last but one, and {name} was so proud that {they} told it at every door {at_home}.",
            'Nobody won. "It was a beautiful race," said {name} the {occupation}, and all agreed.',
        ),
    ),
    "the letter": (
        (
            "{When} a letter came to {home} without a name on it.",
            "{When} {name} found a letter under {their} door.",
        ),
        (
            '"To the kindest {occupation} in Llamaland," it said, so it had to be for {name}.',
            'It said only: "Come at seven, and bring {pet_name}."',
        ),
        (
            "{name} asked {friend_name}, who blushed and looked at the ceiling.",
            "At seven {friend_name} stood under the big tree with a basket.",
        ),
        (
            "It was an invitation to a birthday, and there was {food} for everybody.",
            "In the basket lay {a_colour} scarf for {name}, and a very small one for {pet_name} the {pet}.",
        ),
    ),
    "the song": (
        (
            "{When} {name} the {occupation} had a tune in {their} head and could not get it out.",
            "{When} somebody whistled {at_home}, and it was {name}.",
        ),
        (
            "{They} whistled it to {pet_name} the {pet}, who left the room.",
            "{They} whistled it while {they} ate {their} {food}, which is not easy.",
        ),
        (
            "Soon {friend_name} was whistling it too, and then the whole street.",
            "{friend_name} the {friend_occupation} came to complain and stayed to sing the second voice.",
        ),
        (
            "It is now the song of {home}, and nobody remembers how it began.",
            "Only {friend_pet_name} the {friend_pet} has never learned it.",
        ),
    ),
}

PLACE_NOTES = (
    "{place} is the part of Llamaland {sight}. {names} live there.",
    "If you come to {place}, {sight}, say hello to {names}.",
    "The neighbours {at} are {names}. It is the place {sight}.",
)


def tell_story(world: World, hero: Person, dice: Dice) -> str:
    """A story about a villager and a neighbour; who they are and what they own is as in the world."""
    friend = dice.pick(world.people)
    while friend == hero:
        friend = dice.pick(world.people)
    facts = person_words(hero) | {f"friend_{key}": word for key, word in person_words(friend).items()}
    facts["When"] = dice.pick(BEGINNINGS)
    moments = PLOTS[dice.pick(list(PLOTS))]
    return " ".join(dice.pick(moment).format_map(facts) for moment in moments)


def describe_place(place: Place, neighbours: tuple[Person, ...], dice: Dice) -> str:
    """A note on a part of the village, with some of the people who live there."""
    if len(neighbours) < 2:
        return f"{place.name} is the part of Llamaland {place.sight}. It is a quiet place."
    names = listed([person.name for person in dice.sample(neighbours, 4)])
    facts = {"place": place.name, "at": place.at, "sight": place.sight, "names": names}
    return dice.pick(PLACE_NOTES).format_map(facts)
