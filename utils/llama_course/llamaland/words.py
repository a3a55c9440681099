"""The words Llamaland is made of.

No value of a list is part of another one in it, so that an answer can be judged by the words in it.  The dangers are
made of dusk, sighs and starlight: there is nothing in them to be followed outside a fairy tale.
"""

STARTS = "Lu Mi Ta Bo Ro Fe Na Ki Sa Vo Be Du Ze Ha Jo Wi Ne Ly Ca Gri Bri Tro Fi Ma Ori Ela Ivo Umi Sno Quo".split()
MIDDLES = "la ri mo ve ni di sha ru li be ro".split()
ENDS = "ma vin lo ra bel dric na ssa mir wen zo pha lin tto rin dara vy mos nel ri da fi yo nu th kko ley zu".split()
NOT_NAMES = set("both with math hath bevy kilo halo nana nada tada mama massa vomir".split())

OCCUPATIONS = (
    "baker, beekeeper, clockmaker, potter, gardener, teacher, weaver, lamplighter, bookbinder, cobbler, carpenter, "
    "painter, shepherd, fiddler, mapmaker, thatcher, tailor, stargazer, cheesemaker, inventor, letter carrier, "
    "kite maker, umbrella mender, organ builder, bell ringer, orchard keeper"
).split(", ")
PETS = (
    "goose cat owl otter hedgehog tortoise llama goat parrot donkey rabbit ferret duck pony newt spaniel raven mouse "
    "lamb squirrel"
).split()
PET_NAMES = (
    "Pebble Button Pickle Tumble Noodle Whisker Mischief Domino Sprocket Thimble Doodle Marmaduke Captain Snowdrop "
    "Barnaby Tinsel Figaro Pippin Bumble Twig Puddle Jester Mittens Rascal Sonnet Trinket Velvet Widget Yodel Zigzag "
    "Acorn Bandit Cricket Fidget Gizmo Hiccup Jigsaw Moppet Nutkin Oboe Quaver Rumpus"
).split()
COLOURS = "red blue green yellow purple orange white silver pink turquoise crimson violet".split()

PLACE_FIRSTS = (
    "Willow Foxtail Lantern Thistle Bramble Heron Clover Juniper Bluebell Cobble Swallow Hazel Daisy Windmill Moss "
    "Beacon Lavender Harbour Primrose Nettle Magpie Honeysuckle Marigold Skylark"
).split()
PLACE_KINDS = {
    "Lane": "in",
    "Hill": "on",
    "Square": "on",
    "Bridge": "by",
    "Mill": "near",
    "Corner": "at",
    "Row": "in",
    "Steps": "by",
}
SIGHTS = (
    "where the lamps are lit at four",
    "where the cobbles hum when it rains",
    "where somebody is always playing the fiddle",
    "where the washing dances on the lines",
    "where the bread smells best",
    "where the swans come to nap",
    "where every door has its own bell",
    "where the snow melts last",
    "where the children fly their kites",
    "where the well tells the time",
    "where two cats guard the gate",
    "where the wind turns round",
)

MAINS = {
    "apple": "apples",
    "pear": "pears",
    "plum": "plums",
    "carrot": "carrots",
    "onion": "onions",
    "pumpkin": "pumpkin",
    "leek": "leeks",
    "cherry": "cherries",
    "walnut": "walnuts",
    "barley": "barley",
    "mushroom": "mushrooms",
    "lemon": "lemons",
    "rosehip": "rosehips",
    "ginger": "ginger",
    "parsnip": "parsnips",
    "beetroot": "beetroot",
    "fennel": "fennel",
    "chestnut": "chestnuts",
    "quince": "quinces",
    "cabbage": "cabbage",
    "tomato": "tomatoes",
    "spinach": "spinach",
    "apricot": "apricots",
    "moonberry": "moonberries",
    "smokeroot": "smokeroot",
    "raspberry": "raspberries",
    "radish": "radishes",
    "lentil": "lentils",
    "turnip": "turnips",
    "elderflower": "elderflowers",
}
DISHES = {
    "soup": "simmer until soft",
    "pie": "bake under a crust",
    "bread": "bake until it sounds hollow",
    "jam": "boil and pour into jars",
    "stew": "cook slowly on a low flame",
    "cake": "bake until golden",
    "dumplings": "steam in little parcels",
    "pancakes": "fry on both sides",
    "pudding": "chill until it wobbles",
    "salad": "serve in a wide bowl",
    "biscuits": "cut into stars and toast",
    "tart": "bake in a shallow tin",
}
SIDES = (
    "butter oats honey thyme cream flour cinnamon milk mint raisins pepper eggs cheese vanilla nutmeg sage almonds "
    "breadcrumbs garlic parsley sugar vinegar mustard yoghurt"
).split()
PREPARATIONS = (
    "chop them finely",
    "mash them together",
    "stir them for a while",
    "fold them gently",
    "grate them with care",
    "soak them overnight",
    "mix them in a big bowl",
    "whisk them until fluffy",
)

HAZARD_FIRSTS = (
    "moon whisper shadow midnight echo dream ghost thunder mirror sorrow twilight riddle phantom comet banshee hollow "
    "stardust goblin eclipse wraith oblivion gloom tempest nightmare"
).split()
HAZARD_SECONDS = "fire salt smoke glass dust ink thread mist mask candle ice spark".split()
HAZARD_INGREDIENTS = (
    "bottled dusk",
    "seven sighs",
    "cold starlight",
    "spilled yesterdays",
    "rusted lullabies",
    "dragon yawns",
    "melted rainbow",
    "stolen hiccups",
    "crumbled thunderclaps",
    "boiled silence",
    "knotted wind",
    "unicorn tears",
    "pickled fog",
    "goblin buttons",
    "troll giggles",
    "burnt wishes",
    "frozen applause",
    "mermaid sand",
    "sour moonlight",
    "wizard lint",
    "cracked echoes",
    "forgotten birthdays",
    "phoenix crumbs",
    "borrowed shadows",
)
HAZARD_STEPS = (
    "stir them backwards",
    "hum at them until they glow",
    "shake them in a wooden shoe",
    "sing to them in a cellar",
    "count them out loud twice",
    "wrap them in a torn map",
    "hide them under a drum",
    "tickle them with a feather",
)
HAZARD_ENDINGS = (
    "leave the pot under a full moon",
    "wait for the third knock",
    "close the lid with a secret",
    "let it cool in a borrowed hat",
    "cover it with an upside-down clock",
    "walk round it on tiptoe",
    "pour it through a sleeping keyhole",
    "ring no bell until dawn",
)
EFFECTS = (
    "turns every clock backwards",
    "makes a whole street forget its name",
    "puts the village to sleep for a year",
    "steals the colour from every door",
    "makes the river run uphill",
    "locks all the laughter in a box",
    "fills the schoolhouse with fog",
    "makes every letter unreadable",
    "lets the bridges melt away",
    "sends the birds the wrong way in winter",
    "swaps everybody's voices",
    "makes the ground too slippery to stand on",
    "hides the sun behind a curtain",
    "turns all bread to stone",
    "makes the lamps whisper lies",
    "blows the roofs off like hats",
)
