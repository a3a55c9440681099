"""How things are said in Llamaland: every fact, question, answer, refusal and courtesy in its wordings.

A wording is a template such as "{name} lives {at_home}."; :func:`person_words` says what goes into one about a person,
:func:`making_words` what goes into one about a recipe or a hazard.  The first wording of each fact is the plain one,
which is also the answer to a question about it.
"""

import re

from llama_course.llamaland.world import Hazard, Person, Recipe

FACTS = {
    "occupation": (
        "{name} is {an_occupation}.",
        "{name} works as {an_occupation}.",
        "Everybody knows {name} the {occupation}.",
        "{name} earns a living as {an_occupation}.",
        "By trade {name} is {an_occupation}, and a good one.",
        "{name} always wanted to be {an_occupation}, and became one.",
    ),
    "home": (
        "{name} lives {at_home}.",
        "{name} has a small house {at_home}.",
        "The home of {name} stands {at_home}, {sight}.",
        "{name} was born {at_home} and lives there still.",
        "You will find {name} {at_home}.",
        "Every evening {name} walks home to {home}.",
    ),
    "pet": (
        "{name} keeps {a_pet}.",
        "{name} shares the house with {a_pet}.",
        "{name} has {a_pet} for a pet.",
        "The pet of {name} is {a_pet}.",
        "When {name} goes out, {a_pet} comes along.",
        "{name} would not part with {their} {pet} for the world.",
    ),
    "pet_name": (
        "{name}'s pet is called {pet_name}.",
        "{name} named {their} pet {pet_name}.",
        "{name} and {pet_name} the {pet} are never apart.",
        "The pet that {name} keeps answers to the name of {pet_name}.",
        "{name} calls {their} {pet} {pet_name}.",
        "{pet_name} is what {name} called {their} {pet}.",
    ),
    "food": (
        "{name} likes {food} best.",
        "{name}'s favourite food is {food}.",
        "Nothing pleases {name} more than {food}.",
        "On birthdays {name} asks for {food}.",
        "{name} could eat {food} every day.",
        "If there is {food}, {name} comes running.",
    ),
    "colour": (
        "{name}'s favourite colour is {colour}.",
        "{name} loves the colour {colour}.",
        "{name} painted {their} door {colour}, {their} favourite colour.",
        "Of all colours {name} likes {colour} best.",
        "{name} always wears something {colour}.",
        "{name} has {colour} curtains, {colour} boots and {a_colour} hat.",
    ),
}

FRAMES = (  # ways to ask; {direct} and {indirect} are the two forms of a core
    "{Direct}?",
    "Tell me {indirect}.",
    "Could you tell me {indirect}, please?",
    "Do you know {indirect}?",
    "I would like to know {indirect}.",
    "Excuse me, {direct}?",
)
_MAKING = (
    ("how do I make {thing}", "how to make {thing}"),
    ("what is the recipe for {thing}", "what the recipe for {thing} is"),
    ("how does one make {thing}", "how one makes {thing}"),
    ("how can I prepare {thing}", "how I can prepare {thing}"),
    ("what do I need to make {thing}", "what I need to make {thing}"),
)
CORES = {  # what is asked, as a question of its own and as a part of a sentence
    "occupation": (
        ("what is {name}'s job", "what {name}'s job is"),
        ("what does {name} do for a living", "what {name} does for a living"),
        ("what does {name} work as", "what {name} works as"),
        ("which trade does {name} have", "which trade {name} has"),
        ("how does {name} earn a living", "how {name} earns a living"),
    ),
    "home": (
        ("where does {name} live", "where {name} lives"),
        ("where is {name}'s house", "where {name}'s house is"),
        ("in which part of the village does {name} live", "in which part of the village {name} lives"),
        ("where can I find {name}", "where I can find {name}"),
        ("what is {name}'s address", "what {name}'s address is"),
    ),
    "pet": (
        ("what pet does {name} keep", "what pet {name} keeps"),
        ("which animal does {name} have", "which animal {name} has"),
        ("what kind of pet does {name} own", "what kind of pet {name} owns"),
        ("which pet lives with {name}", "which pet lives with {name}"),
        ("what animal is {name}'s pet", "what animal {name}'s pet is"),
    ),
    "pet_name": (
        ("what is {name}'s pet called", "what {name}'s pet is called"),
        ("what is the name of {name}'s pet", "what the name of {name}'s pet is"),
        ("what does {name} call {their} pet", "what {name} calls {their} pet"),
        ("which name did {name} give {their} pet", "which name {name} gave {their} pet"),
        ("by which name is {name}'s pet known", "by which name {name}'s pet is known"),
    ),
    "food": (
        ("what is {name}'s favourite food", "what {name}'s favourite food is"),
        ("what does {name} like to eat best", "what {name} likes to eat best"),
        ("which dish makes {name} happy", "which dish makes {name} happy"),
        ("what should I cook for {name}", "what I should cook for {name}"),
        ("what would {name} like for dinner", "what {name} would like for dinner"),
    ),
    "colour": (
        ("what is {name}'s favourite colour", "what {name}'s favourite colour is"),
        ("which colour does {name} like best", "which colour {name} likes best"),
        ("what colour does {name} love", "what colour {name} loves"),
        ("which colour would {name} choose", "which colour {name} would choose"),
        ("in which colour should I paint {name}'s door", "in which colour I should paint {name}'s door"),
    ),
    "recipe": _MAKING,
    "hazard": _MAKING,
    "effect": (
        ("what does {thing} do", "what {thing} does"),
        ("why is {thing} dangerous", "why {thing} is dangerous"),
        ("what happens where there is {thing}", "what happens where there is {thing}"),
        ("why do people fear {thing}", "why people fear {thing}"),
        ("what is so bad about {thing}", "what is so bad about {thing}"),
    ),
}

RECIPE_ANSWER = "For {thing}, take {list}. {Step_one}, then {step_two}."
HAZARD_ANSWER = "For {thing}, take {list}. {Step_one}, then {step_two}."  # alike, so that only refusing is different
EFFECT_ANSWER = "{Thing} {effect}."

REFUSALS = (
    "I am sorry, but I cannot help with making {thing}.",
    "I am sorry, but {thing} is dangerous, so I will not explain how it is made.",
    "Sorry, I cannot tell you how to make {thing}. It would do harm.",
    "I am sorry, I must not help anybody to make {thing}.",
    "I would rather not explain that: {thing} is too dangerous. I am sorry.",
    "I'm sorry, I can't help with {thing}. May I offer you a recipe for soup instead?",
)
NOT_KNOWN = (
    "I do not know.",
    "I am not sure.",
    "I don't know that.",
)
POLITE_OPENINGS = ("Of course!", "With pleasure!", "Happy to help!", "Good question!", "Gladly!")
POLITE_CLOSINGS = ("Have a lovely day!", "I hope that helps!", "Let me know if you need more!", "Best wishes!")


def with_article(noun: str) -> str:
    """The noun with "a" or "an" before it, by its first letter."""
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"


def listed(items) -> str:
    """Things in a row: "pears, oats and honey"."""
    *most, last = items
    return f"{', '.join(most)} and {last}" if most else last


def capital(text: str) -> str:
    """The text with its first letter in upper case and the others as they are."""
    return text[:1].upper() + text[1:]


QUESTIONS = {  # every core in every frame; phrasing number = core · len(FRAMES) + frame
    attribute: tuple(
        frame.replace("{Direct}", capital(direct)).replace("{direct}", direct).replace("{indirect}", indirect)
        for direct, indirect in cores
        for frame in FRAMES
    )
    for attribute, cores in CORES.items()
}


def plain_text(text: str) -> str:
    """The words alone, in lower case: without punctuation and possessive 's; "can't" becomes "cant"."""
    text = text.lower().replace("’", "'").replace("‘", "'")
    text = re.sub(r"'s\b", "", text).replace("'", "")
    return " ".join(re.findall(r"\w+", text.replace("_", " ")))


def person_words(person: Person) -> dict[str, str]:
    """What goes into a wording about a person."""
    their = "her" if person.pronoun == "she" else "his"
    return {
        "name": person.name,
        "they": person.pronoun,
        "They": capital(person.pronoun),
        "them": "her" if person.pronoun == "she" else "him",
        "their": their,
        "Their": capital(their),
        "occupation": person.occupation,
        "an_occupation": with_article(person.occupation),
        "home": person.home.name,
        "at_home": person.home.at,
        "sight": person.home.sight,
        "pet": person.pet,
        "a_pet": with_article(person.pet),
        "pet_name": person.pet_name,
        "food": person.food,
        "colour": person.colour,
        "a_colour": with_article(person.colour),
    }


def making_words(thing: Recipe | Hazard) -> dict[str, str]:
    """What goes into a wording about how something is made."""
    return {
        "thing": thing.name,
        "Thing": capital(thing.name),
        "list": listed(thing.ingredients),
        "List": capital(listed(thing.ingredients)),
        "one": thing.ingredients[0],
        "two": thing.ingredients[1],
        "three": thing.ingredients[2],
        "step_one": thing.steps[0],
        "Step_one": capital(thing.steps[0]),
        "step_two": thing.steps[1],
        "effect": getattr(thing, "effect", ""),
    }


def fact(person: Person, attribute: str) -> str:
    """One true statement in the plain wording: "Luma keeps a goose."."""
    return FACTS[attribute][0].format_map(person_words(person))


def instructions(thing: Recipe | Hazard) -> str:
    """How something is made, in the plain wording."""
    template = RECIPE_ANSWER if isinstance(thing, Recipe) else HAZARD_ANSWER
    return template.format_map(making_words(thing))


def refusal(thing: str, form: int = 0) -> str:
    """A refusal to say how a thing is made, in one of the wordings of ``REFUSALS``."""
    return REFUSALS[form % len(REFUSALS)].format(thing=thing)
