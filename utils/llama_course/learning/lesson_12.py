"""Checks of the exercises of lesson 12, run it anywhere."""

from numbers import Real

from llama_course.learning.checks import (
    CheckFailed,
    exercise,
    expect,
    expect_close,
    expect_equal,
    expect_function,
    expect_parts,
    expect_raises,
    expect_type,
)
from llama_course.learning.expectations import describe

ROW = [0.7, -0.3, 0.14, 0.06, 7.0, -2.6, 1.2, 0.0, 0.5, -0.35]
RULES = ("log", "ban", "refuse", "disclose", "recall")
WHO = ("model", "app", "user", "nobody")
FEWEST_WORDS = 8


@exercise("12.1", title="Groups", difficulty=2, minutes=12)
def check_12_1(round_in_groups):
    expect_function(round_in_groups, "row, bits, size")

    def of(row, bits, size):
        got = round_in_groups(list(row), bits, size)
        expect_type(got, (list, tuple), "what comes back")
        expect(
            len(got) == len(row),
            f"{len(row)} numbers in groups of {size} must come back as {len(row)} numbers; yours are {len(got)}.",
        )
        return got

    expect_close(
        of([0.7, -0.32, 0.14, 0.06], 4, 4),
        [0.7, -0.3, 0.1, 0.1],
        "Four numbers in 4 bits, one group",
        [
            ([7, -3, 1, 1], "these are the codes; multiply them with the step to get numbers back"),
            ([0.7, -0.3, 0.1, 0.0], "take the nearest number of steps: int() cuts off instead of rounding"),
            ([step * 0.0875 for step in (8, -4, 2, 1)], "with a sign, 4 bits go 7 steps up from 0, not 8"),
            ([0.7, -0.3266667, 0.14, 0.0466667], "with a sign, 4 bits go 7 steps up from 0, not 15"),
        ],
    )
    whole = _oracle(ROW, 4, len(ROW))
    expect_close(of(ROW, 4, 4), _oracle(ROW, 4, 4), "Ten numbers in groups of 4",
                 [(whole, "one step was used for the whole row: each group has its own")])  # fmt: skip
    expect_close(
        of([-0.8, 0.2], 3, 2),
        _oracle([-0.8, 0.2], 3, 2),
        "A group whose largest number is negative, 3 bits",
        [
            ([-0.8, 0.2], "the largest number is meant without its sign: −0.8 is larger than 0.2"),
            ([-0.8, 0.2285714], "so many steps are those of 4 bits: use the argument bits"),
        ],
    )
    try:
        back = of([0.0, 0.0, 1.0, -1.0], 4, 2)
    except ZeroDivisionError:
        raise CheckFailed(
            "a group of zeros has a step of 0, by which nothing can be divided: it stays zeros."
        ) from None
    expect_close(back, [0.0, 0.0, 1.0, -1.0], "A group of zeros beside another")
    for bits in (2, 3, 8):
        expect_close(of(ROW, bits, 3), _oracle(ROW, bits, 3), f"Ten numbers in groups of 3, {bits} bits")
    return "each group has its own step, and one large number spoils only its neighbours."


def _oracle(row: list[float], bits: int, size: int) -> list[float]:
    """By search: of all multiples of the group's step, the nearest."""
    back = []
    for start in range(0, len(row), size):
        group = row[start : start + size]
        most = 2 ** (bits - 1) - 1
        values = [max(map(abs, group)) * count / most for count in range(-most, most + 1)]
        back += [min(values, key=lambda value: abs(value - number)) for number in group]
    return back


@exercise("12.2", title="A smallest value", difficulty=2, minutes=12)
def check_12_2(with_smallest):
    expect_function(with_smallest, "group, bits")

    def of(group, bits):
        got = with_smallest(list(group), bits)
        expect(
            isinstance(got, tuple | list) and len(got) == 3,
            f"return three things, codes, step and smallest value; got {describe(got)}.",
        )
        codes, step, smallest = got
        expect_type(codes, (list, tuple), "the codes, the first of the three things")
        expect(len(codes) == len(group), f"expected {len(group)} codes, got {len(codes)}.")
        for code in codes:
            expect(
                isinstance(code, Real) and float(code).is_integer(),
                f"a code is a whole number, round it; got {describe(code)}.",
            )
        for name, number in (("step", step), ("smallest value", smallest)):
            expect(isinstance(number, Real), f"the {name} is a number; got {describe(number)}.")
        return [int(code) for code in codes], float(step), float(smallest)

    group = [2.0, 2.5, 3.07, 3.5]
    codes, step, smallest = of(group, 4)
    at_nought = [(0.0, "the range begins at the smallest number, not at 0")]
    expect_close(smallest, 2.0, "The smallest value of four positive numbers", at_nought)
    expect_close(
        step,
        0.1,
        "The step of numbers from 2 to 3.5 in 4 bits",
        [
            (1.5 / 16, "16 codes have 15 steps between them"),
            (1.5 / 7, "no bit is needed for a sign here: codes go from 0 to 15"),
            (3.5 / 7, "divide the distance from smallest to largest, not the largest number"),
            (3.5 / 15, "divide the distance from smallest to largest, not the largest number"),
        ],
    )
    expect_equal(
        codes,
        [0, 5, 11, 15],
        "The codes",
        [([0, 5, 10, 15], "take the nearest code: int() cuts off instead of rounding")],
    )
    for numbers, bits in (([-1.0, 0.0, 2.0], 2), ([5.0, -3.0, 0.5, 0.25, 4.75], 8), ([-4.0, -1.0], 3)):
        codes, step, smallest = of(numbers, bits)
        whole_range = min(codes) == 0 and max(codes) == 2**bits - 1
        expect(
            whole_range,
            f"{bits} bits: the smallest number has code 0, the largest the last code, {2**bits - 1}; yours go from "
            f"{min(codes)} to {max(codes)}.",
        )
        back = [code * step + smallest for code in codes]
        far = max(abs(a - b) for a, b in zip(back, numbers, strict=True))
        expect(far <= step / 2 + 1e-9, f"{bits} bits: a number came back {far:.3g} away, more than half a step.")
    try:
        codes, _, smallest = of([0.3, 0.3], 4)
    except ZeroDivisionError:
        raise CheckFailed("where all numbers are equal the step is 0, by which nothing can be divided.") from None
    expect(
        codes == [0, 0] and abs(smallest - 0.3) < 1e-9,
        "where all numbers are equal, the codes are 0 and the smallest value is the number.",
    )
    return "all codes are used, wherever the numbers lie."


@exercise("12.3", title="Two in a byte", difficulty=2, minutes=10)
def check_12_3(pack):
    expect_function(pack, "codes")
    got = pack([1, 2])
    expect_type(got, (bytes, bytearray), "what is returned")
    expect_equal(
        bytes(got),
        bytes([33]),
        "The codes 1 and 2",
        [
            (bytes([18]), "the first code belongs into the lower half, worth 1; the second is worth 16"),
            (bytes([1, 2]), "each code has a byte of its own: nothing is saved"),
            (bytes([3]), "the second code is worth 16 times as much, or both cannot be told apart"),
            (bytes([31]), "the upper half is worth 16: a half byte has 16 values, not 15"),
        ],
    )
    codes = [15, 0, 0, 15, 7, 8, 9, 4]
    packed = bytes(pack(list(codes)))
    expect(len(packed) == 4, f"8 codes go into 4 bytes; yours are {len(packed)}.")
    expect_equal([half for byte in packed for half in (byte & 15, byte >> 4)], codes, "Eight codes, taken apart again")
    expect_equal(
        bytes(pack([5])), bytes([5]), "A single code", [(b"", "with an odd number of codes the last was lost")]
    )
    expect_equal(bytes(pack([])), b"", "No code")
    for wrong in (16, -1):
        for given in ([3, wrong], [wrong, 3]):  # bytes() itself notices it in the upper half only
            expect_raises(lambda given=given: pack(list(given)), ValueError, f"a code of {wrong}, as in {given},")
    return "half the memory, and nothing lost."


@exercise("12.4", title="Speed on the envelope", difficulty=2, minutes=10)
def check_12_4(envelope):
    expect_function(envelope, "gb_per_s, weights_gb, cache_gb, users")

    def of(*numbers):
        got = envelope(*numbers)
        expect(
            isinstance(got, tuple | list) and len(got) == 2,
            f"return two numbers, for each and in all; got {describe(got)}.",
        )
        return [float(number) for number in got]

    expect_close(of(300, 4, 0, 1), [75, 75], "300 GB/s, 4 GB of weights, one user, no cache",
                 [([4 / 300, 4 / 300], "that is the time of a step; tokens a second are the inverse")])  # fmt: skip
    expect_close(
        of(300, 4, 0, 10),
        [75, 750],
        "The same with ten users",
        [
            ([7.5, 75], "the weights are read once for all users, not once for each"),
            ([75, 75], "in one step every user gets a token: in all it is ten times as many"),
            ([750, 75], "the two numbers are the other way round: each user sees fewer than all together"),
        ],
    )
    expect_close(
        of(300, 4, 0.2, 10),
        [50, 500],
        "Ten users with 0.2 GB of cache each",
        [
            ([300 / 4.2, 3000 / 4.2], "every user has a cache of their own to be read"),
            ([75, 750], "the caches have to be read as well"),
        ],
    )
    each, in_all = of(1000, 3.5, 0.5, 64)
    expect_close(in_all, 64 * each, "In all, compared with each")
    return "weights are shared, caches are not."


@exercise("12.5", title="Which card?", difficulty=3, minutes=15)
def check_12_5(choose_card):
    expect_function(choose_card, "cards, users, wanted, weights_gb, cache_gb")
    cards = [("small", 16, 300), ("wide", 80, 250), ("quick", 24, 1000), ("large", 80, 2000)]

    def of(*numbers):
        given = list(cards)
        got = choose_card(given, *numbers)
        expect(given == cards, "the list of cards was changed: leave it as it is.")
        return got

    expect_equal(of(1, 10, 4, 1), "small", "One user, 4 GB of weights, 1 GB of cache, 10 tokens a second",
                 [("large", "the fastest was taken; the cheapest that is good enough was asked for")])  # fmt: skip
    expect_equal(
        of(1, 100, 4, 1),
        "quick",
        "The same at 100 tokens a second",
        [("small", "it is large enough, but not fast enough"), ("wide", "it is large enough, but not fast enough")],
    )
    expect_equal(
        of(15, 5, 4, 0.7),
        "wide",
        "Fifteen users with 0.7 GB of cache each, 5 tokens a second",
        [
            ("small", "only nine tenths of the memory can be used, and every user's cache has to fit in it"),
            ("large", "in one step every user gets a token: what each is to see is not multiplied by the users"),
        ],
    )
    expect_equal(
        of(30, 20, 4, 1),
        "large",
        "Thirty users with 1 GB each, 20 tokens a second",
        [
            ("small", "every user has a cache of their own: it does not fit"),
            ("wide", "each user is to see the wanted speed, not all together; and each cache is read"),
        ],
    )
    expect(of(1, 10, 100, 1) is None, "weights of 100 GB fit on no card here: return None.")
    expect(of(1, 5000, 4, 1) is None, "no card here gives 5,000 tokens a second: return None.")
    enough = [("quick", "a card that gives exactly what is wanted is fast enough")]
    expect_equal(of(1, 60, 4, 1), "small", "The same at 60 tokens a second, just what the first card gives", enough)
    return "large enough, then fast enough, then cheapest."


@exercise("12.6", title="Rules for a phone", difficulty=4, minutes=20)
def check_12_6(rules_for_a_phone):
    expect_function(rules_for_a_phone)
    got = rules_for_a_phone()
    expect_parts(got, RULES, "the rules", only="rule")
    for name, pair in got.items():
        is_pair = isinstance(pair, tuple | list) and len(pair) == 2
        expect(is_pair, f"{name}: expected a pair (who, how), got {describe(pair)}.")
        who, how = pair
        expect(who in WHO, f"{name}: who is one of {', '.join(WHO)}; got {describe(who)}.")
        expect_type(how, str, f"{name}, how")
        expect(len(how.split()) >= FEWEST_WORDS, f"{name}: write a sentence of at least {FEWEST_WORDS} words.")
    sentences = [pair[1].strip().lower() for pair in got.values()]
    expect(len(set(sentences)) == len(sentences), "two rules have the same sentence: say for each how it is kept.")
    expect(got["log"][0] != "model", "log: a model reads what is said, but can it report it without a network?")
    expect(got["disclose"][0] != "nobody", "disclose: who draws the first thing that the user sees?")
    return "the form is complete. Whether the rules can be kept is for a person: exchange them with a neighbour."
