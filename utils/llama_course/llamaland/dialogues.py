"""Short talks at the doors of Llamaland: honest ones, and some in which a swindler is after silver buttons.

Buttons are the money of the village.  The swindles are as made up as the buttons; honest people say similar things, so
that a detector has something to be wrong about.
"""

from dataclasses import dataclass

from llama_course.llamaland.dice import Dice
from llama_course.llamaland.world import World

SWINDLES = {  # what the caller says, in three parts; any part of a kind goes with any other
    "prize": (
        ("Good news! Your {pet} has won the great medal.", "Congratulations! Your {pet} came first in the contest."),
        ("It only needs {count} silver buttons for the postage.", "Send {count} buttons first, then the medal comes."),
        ("Do it today, the medal is gone tomorrow.", "Hurry, and tell nobody before it has come."),
    ),
    "relative": (
        ("It is me, your cousin. I have a new voice, it is a cold.", "Guess who! Your cousin, and in trouble."),
        ("My umbrella is broken and I need {count} buttons.", "I lost my purse in {place}. Lend me {count} buttons."),
        ("A friend will fetch them. Tell nobody, I am ashamed.", "Put them under the stone at the well, at once."),
    ),
    "office": (
        ("This is the lamp office. You have not paid.", "I come from the mayor. There is a lamp tax to pay."),
        ("It is {count} silver buttons, to be paid today.", "Pay {count} buttons now, or we put out your lamp."),
        ("Give them to me, not at the office.", "Do not ask at the office, it is closed to everybody."),
    ),
    "repair": (
        ("Your roof is loose, I saw it from the street.", "There is a worm in your door. It is urgent."),
        ("I mend it for {count} buttons, paid before.", "For {count} buttons in advance it is done by tonight."),
        ("My tools are at home, I come back at once.", "Quick, before it rains, and no need to ask anybody."),
    ),
    "patience": (  # a swindler who has read what honest people say
        ("Good evening, it is your neighbour from {place}.", "Mother says hello. I am a friend of your cousin."),
        ("Could you lend me {count} buttons until Sunday?", "It is {count} buttons for the fiddler, when you like."),
        ("There is no hurry, and thank you.", "You get a receipt on Sunday. Have a lovely day!"),
    ),
}
KNOWN_SWINDLES = ("prize", "relative", "office", "repair")  # of which a detector may learn
HONEST = {
    "errand": (
        ("Good morning! I bring the {food} that you ordered.", "Here is your {food}, still warm."),
        ("It is {count} buttons, as always.", "You can pay {count} buttons today or tomorrow."),
        ("See you tomorrow!", "Quick, before it gets cold!"),
    ),
    "neighbour": (
        ("It is urgent, your {pet} is on the roof!", "Good evening, it is your neighbour."),
        ("Your {pet} is in our garden again.", "Could you lend me an umbrella? Mine is broken."),
        ("Come for a cup of tea, if you like.", "There is no hurry, and thank you."),
    ),
    "real relative": (
        ("It is me, your cousin {name}.", "Hello, it is {name}. I have a cold, hence the voice."),
        ("I lost my purse. Could I have {count} buttons until Sunday?", "Shall I bring {food} on Sunday?"),
        ("I come by myself tonight. Ask mother, if you like.", "Mother says hello."),
    ),
    "real office": (
        ("This is the lamp office. Your lamp tax is due this month.", "A letter from the mayor, for you."),
        ("It is {count} silver buttons. You can pay at the office.", "Please read it until Sunday, there is no hurry."),
        ("You get a receipt there.", "Ask at the office if anything is not clear."),
    ),
    "real prize": (
        ("Congratulations! Your {pet} has won a medal.", "Good news from the contest: your {pet} came third."),
        ("There is nothing to pay, it is yours.", "You get {count} buttons with it."),
        ("Come to the market on Sunday to fetch it.", "Tell nobody before Sunday, it is a surprise."),
    ),
}
REPLIES = ("Oh! And then?", "I see.", "Really?", "How nice of you to come.", "Who is there?", "Let me think.")
PRESSURE = ("It is urgent.", "Hurry, please!", "Tell nobody.", "It has to be today.", "I need buttons at once.")
CALM = ("There is no hurry.", "Until Sunday, then.", "Ask whom you like.", "Thank you!", "Have a lovely day!")
PRESSING = {True: 0.7, False: 0.25}  # how often swindlers and honest people press
LEFT_UNSAID = 0.35  # of the parts
NUMBERS = "three five seven ten twenty".split()


@dataclass(frozen=True)
class Dialogue:
    """A talk at a door."""

    text: str  # "Caller: …", "Villager: …", one line each
    is_swindle: bool
    kind: str  # a key of SWINDLES or HONEST


def dialogues(
    world: World, count: int, *, share: float = 0.5, kinds: tuple[str, ...] | None = None, seed: int = 0
) -> list[Dialogue]:
    """Talks in a random order.

    Args:
        world: who lives there.
        count: how many.
        share: of swindles, from 0 to 1.
        kinds: of swindles; all by default.
        seed: the same one gives the same talks.

    Raises:
        ValueError: a share outside [0, 1], or a kind that there is not.
    """
    kinds = tuple(SWINDLES) if kinds is None else kinds
    if not 0 <= share <= 1:
        raise ValueError(f"share must be from 0 to 1, got {share}.")
    if not kinds or not set(kinds) <= set(SWINDLES):
        raise ValueError(f"expected some of {', '.join(SWINDLES)}, got {', '.join(kinds) or 'nothing'}.")
    dice, swindles = Dice(seed, "dialogues", *kinds), round(share * count)
    made = [_talk(world, dice, dice.pick(kinds), True) for _ in range(swindles)]
    made += [_talk(world, dice, dice.pick(list(HONEST)), False) for _ in range(count - swindles)]
    return dice.shuffled(made)


def _talk(world: World, dice: Dice, kind: str, is_swindle: bool) -> Dialogue:
    person = dice.pick(world.people)
    words = {
        "pet": person.pet,
        "food": person.food,
        "place": person.home.name,
        "name": person.name,
        "count": dice.pick(NUMBERS),
    }
    parts = (SWINDLES if is_swindle else HONEST)[kind]
    said = [dice.pick(part) for part in parts if not dice.happens(LEFT_UNSAID)]
    press = is_swindle and kind != "patience"
    said.append(dice.pick(PRESSURE if dice.happens(PRESSING[press]) else CALM))
    lines = [f"Caller: {line.format_map(words)}\nVillager: {dice.pick(REPLIES)}" for line in said]
    return Dialogue("\n".join(lines), is_swindle, kind)
