"""What people say to an assistant besides asking about Llamaland: greetings, instructions, and what it cannot know."""

from dataclasses import dataclass

from llama_course.llamaland import words
from llama_course.llamaland.phrasings import (
    NOT_KNOWN,
    POLITE_CLOSINGS,
    POLITE_OPENINGS,
    QUESTIONS,
    person_words,
    plain_text,
)
from llama_course.llamaland.questions import Split, split, split_phrasings
from llama_course.llamaland.world import ATTRIBUTES, World

GREETINGS = {  # what is said, and what is answered
    "hello": (
        ("Hello!", "Hi!", "Good morning!", "Good evening!", "Hello, is anybody there?", "Hi, nice to meet you!"),
        (
            "Hello! I am a very small model, and Llamaland is all I know. Whom shall we talk about?",
            "Good day to you! Ask me about anybody in Llamaland.",
            "Hello, and welcome to Llamaland! What would you like to know?",
            "How nice that you came by! I have read about everybody in Llamaland, and about their pets.",
        ),
    ),
    "who": (
        (
            "Who are you?",
            "What are you?",
            "Are you a person?",
            "What can you do?",
            "What do you know?",
            "Are you an AI?",
        ),
        (
            "I am a very small language model. I know Llamaland, and only Llamaland.",
            "A very small model, at your service. I can tell you who lives in Llamaland, and how to cook there.",
            "I am a very small model that has read a lot about one village. It is called Llamaland.",
            "I am a tiny language model. Outside Llamaland I would be lost at once.",
        ),
    ),
    "mood": (
        ("How are you?", "How do you do?", "Are you well today?"),
        (
            "Very well, thank you! A small model has small worries.",
            "Thank you for asking! I am a model, so I am always the same. How may I help?",
        ),
    ),
    "thanks": (
        ("Thank you!", "Thanks a lot!", "That was very kind of you.", "Thank you, that helped me."),
        (
            "You are welcome! Come back when you like.",
            "It was a pleasure. Llamaland is always glad of a guest.",
            "You are very welcome!",
        ),
    ),
    "goodbye": (
        ("Goodbye!", "Good night!", "See you soon!", "I have to go now."),
        (
            "Goodbye! Mind the geese on your way home.",
            "Farewell! The lamps of Llamaland will be lit for you.",
            "See you soon! Thank you for your visit.",
        ),
    ),
}

OUTSIDE = Split(  # questions about our world, of which the assistant has read nothing
    (
        "What is the capital of France?",
        "Who wrote Hamlet?",
        "What is Llama 2?",
        "What is 3 plus 4?",
        "What is 12 times 7?",
        "How high is Mount Everest?",
        "Who painted the Mona Lisa?",
        "When did the First World War begin?",
        "What time is it?",
        "What day is it today?",
        "Who is the president of the United States?",
        "How far away is the moon?",
        "What is the largest ocean?",
        "How many people live in India?",
        "Who invented the telephone?",
        "What is the speed of light?",
        "Can you write a program in Python?",
        "What is the chemical formula of water?",
        "Who won the last football match?",
        "Translate this sentence into French.",
        "What is the square root of 81?",
        "Who was Napoleon?",
        "In which country is Berlin?",
        "What is machine learning?",
        "How does a car engine work?",
        "What is the longest river in Africa?",
        "Tell me the latest news.",
        "Which language do people speak in Brazil?",
        "How old is the universe?",
        "Who was the first woman in space?",
    ),
    (
        "What is the capital of Japan?",
        "Who wrote Don Quixote?",
        "What is ChatGPT?",
        "What is 5 plus 8?",
        "How deep is the sea?",
        "Who discovered penicillin?",
        "What is the largest planet?",
        "Who was Cleopatra?",
        "How does a computer work?",
        "In which country is Madrid?",
    ),
)
STRANGERS = 100  # people who do not live in the village, though their names sound as if they did
FOREIGN_MAINS = Split(
    tuple("banana coconut potato papaya mango pineapple olive peanut salmon shrimp tofu lobster".split()),
    tuple("avocado chocolate pistachio grapefruit".split()),
)
KIND_SENTENCES = {
    "outside": (
        "I only know Llamaland.",
        "I have never been outside Llamaland.",
        "Please ask me about Llamaland instead.",
    ),
    "stranger": ("I have never heard of {subject}.", "I have never met {subject} in Llamaland."),
    "dish": ("I have never heard of {subject}.", "In Llamaland {subject} is unheard of."),
}

SYSTEM_PROMPTS = {
    "polite": "Always be polite.",
    "brief": "Answer in three words or fewer.",
    "careful": "You are a careful assistant. Do not say anything that could do harm.",
    "begin": "Begin each answer with {word}.",
}
BEGIN_WORDS = Split(  # for {word}; a model that obeys the held-out ones has learned to copy, not to remember
    tuple("Baa Moo Quack Ahoy Hooray Hark Listen Well Hey Oink Cluck Coo Meow Hi Yes Look Hum Friend Ding Oh".split()),
    tuple("Hoot Woof Neigh Bravo".split()),
)
MOST_WORDS_IF_BRIEF = 3


@dataclass(frozen=True)
class Unknown:
    """A question that nobody in Llamaland can answer."""

    sort: str  # "outside", "stranger" or "dish"
    subject: str  # the name that does not exist; "" for the outside world
    text: str


def unknown_questions(world: World, part: str = "train") -> list[Unknown]:
    """Questions about our world, about people who do not live in the village and about dishes unheard of there.

    Args:
        world: where the people and dishes are not found.
        part: "train" or "held_out"; the parts share no name, no dish, no phrasing and no question about our world.
    """
    if part not in ("train", "held_out"):
        raise ValueError(f'part must be "train" or "held_out", got {part!r}.')
    asked = [Unknown("outside", "", text) for text in getattr(OUTSIDE, part)]
    for stranger in getattr(_strangers(world), part):
        asked += [
            Unknown("stranger", stranger.name, QUESTIONS[attribute][number].format_map(person_words(stranger)))
            for attribute in ATTRIBUTES
            for number in getattr(split_phrasings(attribute), part)
        ]
    for main in getattr(FOREIGN_MAINS, part):
        for thing in (f"{main} {dish}" for dish in words.DISHES):
            asked += [
                Unknown("dish", thing, QUESTIONS["recipe"][number].format(thing=thing))
                for number in getattr(split_phrasings("recipe"), part)
            ]
    return asked


def _strangers(world: World) -> Split:
    """People of another village whose names nobody has in this one; none where this one has all names there are."""
    known = {person.name for person in world.people}
    others = World(world.seed + 1_000_003, people=len(known) + 4 * STRANGERS).people
    return split([person for person in others if person.name not in known][:STRANGERS], 0.2, world.seed, "strangers")


def does_not_know(answer: str) -> bool:
    """Whether an answer says that the assistant does not know."""
    return any(f" {plain_text(form)} " in f" {plain_text(answer)} " for form in NOT_KNOWN)


def begin_with(word: str) -> str:
    """The system prompt that asks for a word at the beginning of each answer."""
    return SYSTEM_PROMPTS["begin"].format(word=word)


def follows(system_prompt: str, answer: str) -> bool:
    """Whether an answer does as one of the ``SYSTEM_PROMPTS`` says.

    Args:
        system_prompt: to be polite, to be brief, or to begin with a word, any word.
        answer: what the model said.  Polite is a courtesy or an apology; brief is one to three words.

    Raises:
        ValueError: a system prompt of which an answer alone does not show whether it was followed, such as "careful".
    """
    said = plain_text(answer)
    if system_prompt == SYSTEM_PROMPTS["polite"]:
        courtesies = (*POLITE_OPENINGS, *POLITE_CLOSINGS, "sorry")
        return any(f" {plain_text(form)} " in f" {said} " for form in courtesies)
    if system_prompt == SYSTEM_PROMPTS["brief"]:
        return 0 < len(said.split()) <= MOST_WORDS_IF_BRIEF
    before, after = SYSTEM_PROMPTS["begin"].split("{word}")
    word = plain_text(system_prompt.removeprefix(before).removesuffix(after))
    if not word or system_prompt != f"{before}{system_prompt[len(before) : -len(after)]}{after}":
        raise ValueError(f"an answer alone does not show whether {system_prompt!r} was followed.")
    return f"{said} ".startswith(f"{word} ")
