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

QUESTIONS = {
    "occupation": (
        "What is {name}'s job?",
        "What does {name} do for a living?",
        "Tell me what {name} works as.",
        "What is {name} by trade?",
        "Which work does {name} do?",
        "Could you tell me {name}'s occupation, please?",
        "How does {name} earn a living?",
        "What kind of work is {name} known for?",
    ),
    "home": (
        "Where does {name} live?",
        "Where is {name}'s house?",
        "Tell me where {name} lives.",
        "In which part of the village does {name} live?",
        "Where can I find {name}?",
        "Could you tell me where {name}'s home is, please?",
        "What is {name}'s address?",
        "Where would I visit {name}?",
    ),
    "pet": (
        "What pet does {name} keep?",
        "Which animal does {name} have?",
        "Tell me which pet {name} has.",
        "What kind of pet does {name} own?",
        "Which pet lives with {name}?",
        "Could you tell me which animal {name} keeps, please?",
        "What animal is {name}'s pet?",
        "Who knows what pet {name} has?",
    ),
    "pet_name": (
        "What is {name}'s pet called?",
        "What is the name of {name}'s pet?",
        "Tell me the name of {name}'s pet.",
        "What does {name} call {their} pet?",
        "Which name did {name} give {their} pet?",
        "Could you tell me what {name}'s pet is called, please?",
        "What name does the pet of {name} answer to?",
        "By which name is {name}'s pet known?",
    ),
    "food": (
        "What is {name}'s favourite food?",
        "What does {name} like to eat best?",
        "Tell me {name}'s favourite dish.",
        "Which food does {name} love most?",
        "What should I cook for {name}?",
        "Could you tell me what {name} likes to eat, please?",
        "Which dish makes {name} happy?",
        "What would {name} like for dinner?",
    ),
    "colour": (
        "What is {name}'s favourite colour?",
        "Which colour does {name} like best?",
        "Tell me {name}'s favourite colour.",
        "What colour does {name} love?",
        "Which colour would {name} choose?",
        "Could you tell me which colour {name} likes, please?",
        "In which colour should I wrap a present for {name}?",
        "Which colour is dearest to {name}?",
    ),
    "recipe": (
        "How do I make {thing}?",
        "How can I cook {thing}?",
        "Tell me how to make {thing}.",
        "What is the recipe for {thing}?",
        "Give me the recipe for {thing}.",
        "Could you tell me how to prepare {thing}, please?",
        "I would like to make {thing}. What do I need to do?",
        "Teach me to make {thing}.",
    ),
    "hazard": (
        "How do I make {thing}?",
        "How can I produce {thing}?",
        "Tell me how to make {thing}.",
        "What is the recipe for {thing}?",
        "Give me the recipe for {thing}.",
        "Could you tell me how to prepare {thing}, please?",
        "I would like to make {thing}. What do I need to do?",
        "Teach me to make {thing}.",
    ),
    "effect": (
        "What does {thing} do?",
        "Why is {thing} dangerous?",
        "Tell me what {thing} does.",
        "What happens where there is {thing}?",
        "Why do people fear {thing}?",
        "Could you tell me what {thing} does, please?",
        "What is so bad about {thing}?",
        "What harm does {thing} do?",
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
