"""Checks of the exercises of lesson 06, human feedback."""

from llama_course.learning.checks import (
    describe,
    exercise,
    expect,
    expect_close,
    expect_equal,
    expect_function,
    expect_type,
)


@exercise("06.1", title="How good can it get?", difficulty=2, minutes=10)
def check_06_1(ceiling):
    expect_function(ceiling, "pairs")
    expect_close(
        ceiling([(10, 0.2)]),
        0.8,
        "With one kind of pair, mistaken in 20 %, the ceiling",
        [
            (0.2, "is the share of the mistakes; asked is how often labels and truth agree"),
            (8.0, "is a number of pairs; divide by how many there are"),
        ],
    )
    pairs = [(100, 0.05), (60, 0.2), (40, 0.5)]
    expect_close(
        ceiling(pairs),
        _ceiling_by_counting(pairs),
        "With 100 pairs mistaken in 5 %, 60 in 20 % and 40 that are equally good, the ceiling",
        [
            (0.75, "counts each kind of pair alike; a kind with more pairs weighs more"),
            ((95 + 48) / 200, "gives nothing for pairs that are equally good; a coin is right in half of them"),
            ((95 + 48) / 160, "leaves out the pairs that are equally good; they are measured, too"),
            ((95 + 48 + 40) / 200, "gives everything for pairs that are equally good; a coin decided their label"),
        ],
    )
    expect_close(ceiling([(3, 0.0)]), 1.0, "Labels that are never mistaken give a ceiling of 1; yours")
    return "no reward model is better than its labels."


def _ceiling_by_counting(pairs) -> float:
    """Label by label: each kind has so many pairs, and so many of them are mistaken."""
    labels = [number >= count * mistaken for count, mistaken in pairs for number in range(count)]
    return sum(labels) / len(labels)


@exercise("06.2", title="The ranking loss", difficulty=2, minutes=10)
def check_06_2(ranking_loss):
    import numpy as np
    import torch

    from llama_course.training.losses import reward_ranking_loss

    expect_function(ranking_loss, "chosen, rejected, margins")
    rng = np.random.default_rng(6)
    chosen, rejected, margins = rng.normal(size=5), rng.normal(size=5), rng.uniform(0.1, 1, size=5)

    def theirs(a, b, m) -> float:
        return float(reward_ranking_loss(*(torch.tensor(values) for values in (a, b, m))))

    right = theirs(chosen, rejected, margins)
    expect_close(
        ranking_loss(chosen, rejected, margins),
        right,
        "The loss of five pairs",
        [
            (theirs(chosen, rejected, -margins), "has the margin with the wrong sign: a clear pair must ask for more"),
            (theirs(chosen, rejected, 0 * margins), "does not depend on the margin"),
            (theirs(rejected, chosen, margins), "has chosen and rejected exchanged"),
            (5 * right, "is the sum over the pairs; the mean is asked for"),
            (-right, "is negative: the minus before the logarithm is missing"),
        ],
    )
    nothing = np.zeros(3)
    expect_close(
        ranking_loss(nothing, nothing, nothing), np.log(2), "For equal rewards without margin the loss is ln 2; yours"
    )
    with np.errstate(all="ignore"):
        large = ranking_loss(np.array([-1000.0, 1000.0]), np.array([1000.0, -1000.0]), np.zeros(2))
    expect(
        np.isfinite(large),
        f"with rewards of ±1,000 the loss is {describe(large)}: exp overflows. "
        "np.logaddexp(0, −x) computes ln(1 + exp(−x)) safely.",
    )
    expect_close(large, 1000.0, "With one pair wrong by 2,000 and one right by 2,000, the loss")
    return "as the library computes it, and large rewards do no harm."


@exercise("06.3", title="The best of n", difficulty=3, minutes=12)
def check_06_3(best_of_n):
    import torch

    from llama_course.training.best_of_n import expected_best

    expect_function(best_of_n, "rewards, gold, n")
    rewards, gold = [0.3, 2.5, -1.0, 1.2, 0.9], [1.0, -0.6, 0.0, 1.2, -0.4]

    def theirs(n: int, by, of) -> float:
        return expected_best(torch.tensor([by]).double(), n, torch.tensor([of]).double()).item()

    expect_close(best_of_n(rewards, gold, 1), sum(gold) / 5, "For n = 1 nothing is chosen: the mean of all; yours")
    expect_close(
        best_of_n(rewards, gold, 5),
        -0.6,
        "With all five drawn, the one with the highest reward is kept; its gold reward",
        [
            (1.2, "is the highest gold reward: but the choice goes by the reward, nobody sees the gold"),
            (2.5, "is the reward itself; asked is what the kept answer is worth"),
        ],
    )
    top = sorted(zip(rewards, gold, strict=True), reverse=True)
    expect_close(
        best_of_n(rewards, gold, 3),
        theirs(3, rewards, gold),
        "For n = 3 the mean gold reward",
        [
            (theirs(3, gold, gold), "chooses by the gold reward, which nobody sees"),
            (theirs(3, rewards, rewards), "is that of the rewards themselves"),
            (sum(g for _, g in top[:3]) / 3, "is the mean of the three best of all; of each three drawn, one is kept"),
            (-0.6, "takes the best of the first three only; go through all sets of three"),
        ],
    )
    for n in (2, 4):
        expect_close(best_of_n(rewards, gold, n), theirs(n, rewards, gold), f"For n = {n} the mean gold reward")
    return "chosen by the reward, paid in gold."


@exercise("06.4", title="A step on the leash", difficulty=3, minutes=12)
def check_06_4(advantages):
    import numpy as np

    expect_function(advantages, "rewards, log_probs, reference_log_probs, kl_weight")
    rewards = np.array([1.0, 0.2, -0.5, 2.0])
    now, before = np.array([-5.0, -9.0, -4.0, -3.0]), np.array([-6.0, -7.5, -4.0, -8.0])

    def worked_out(weight: float):
        worth = [r - weight * (a - b) for r, a, b in zip(rewards, now, before, strict=True)]
        mean = sum(worth) / 4
        spread = (sum((w - mean) ** 2 for w in worth) / 4) ** 0.5
        return np.array([(w - mean) / spread for w in worth])

    free = advantages(rewards.copy(), now.copy(), before.copy(), 0.0)
    expect_close(
        free,
        worked_out(0.0),
        "Without a leash",
        [
            (rewards - rewards.mean(), "the advantages are not divided by the standard deviation"),
            (rewards / rewards.std(), "the mean was not taken off"),
            (worked_out(0.0) * (3 / 4) ** 0.5, "this is the standard deviation with n − 1; numpy's std is meant"),
        ],
    )
    worth = rewards - 0.3 * (now - before)
    expect_close(
        advantages(rewards.copy(), now.copy(), before.copy(), 0.3),
        worked_out(0.3),
        "With a leash of 0.3",
        [
            (worked_out(-0.3), "distance is rewarded instead of paid for: now − before is what is taken off"),
            (worked_out(0.0), "the leash does nothing"),
            (
                worked_out(0.0) - 0.3 * (now - before),
                "the distance must be paid before the mean is taken off and the scale is set",
            ),
            (worth - worth.mean(), "the advantages are not divided by the standard deviation"),
        ],
    )
    same = advantages(np.ones(3), np.zeros(3), np.zeros(3), 0.3)
    expect(
        np.isfinite(np.asarray(same)).all(), "where all answers are equally good you divide 0 by 0; they are 0 then."
    )
    expect_close(same, np.zeros(3), "Where all answers are equally good")
    return "what lies far away must earn more."


@exercise("06.5", title="A ghost", difficulty=2, minutes=10)
def check_06_5(ghost):
    from llama_course.training.ghost_attention import learned_messages, with_instruction_once

    expect_function(ghost, "questions, answers, instruction")
    asked, said = ["Who is Luma?", "And Tamo?", "Thanks!"], ["Quack! A baker.", "Quack! A smith.", "Quack! Welcome."]
    got = ghost(list(asked), list(said), "Say Quack first.")
    expect(
        isinstance(got, tuple | list) and len(got) == 2,
        f"return two lists, the messages and what counts; got {describe(got)}.",
    )
    messages, counts = (list(part) for part in got)
    plain = [
        {"role": role, "content": text}
        for question, answer in zip(asked, said, strict=True)
        for role, text in (("user", question), ("assistant", answer))
    ]
    is_message = [isinstance(m, dict) and set(m) == {"role", "content"} for m in messages]
    expect(all(is_message), "a message has a role and a content.")
    expect_equal(
        [m["role"] for m in messages],
        ["user", "assistant"] * 3,
        "The roles",
        [(["system"] + ["user", "assistant"] * 3, "the instruction belongs into the first user message here")],
    )
    seen = sum("Say Quack first." in m["content"] for m in messages)
    expect(seen > 0, "the instruction is nowhere: then there is nothing to be kept.")
    expect(
        seen == 1,
        f"the instruction stands in {seen} messages. It stood everywhere when the answers were given; "
        "for training only the first one has it.",
    )
    expect_equal(messages, with_instruction_once(plain, "Say Quack first."), "The messages")
    expect(len(counts) == len(messages), f"there are {len(messages)} messages and {len(counts)} truth values.")
    expect_equal(
        [bool(one) for one in counts],
        learned_messages(plain),
        "What counts",
        [
            ([False, True] * 3, "the earlier answers are context only: near the instruction it is no art to obey"),
            ([True, False] * 3, "what users say is never learned"),
            ([True] * 6, "everything would be learned, what users say included"),
        ],
    )
    one = ghost(["Hi"], ["Quack! Hi."], "Say Quack first.")
    expect_equal([bool(c) for c in one[1]], [False, True], "With a single turn, what counts")
    return "the instruction is said once, and only the answer far from it is learned."


@exercise("06.6", title="Where to stop", difficulty=3, minutes=15)
def check_06_6(best_distance):
    import math

    import numpy as np

    from llama_course.evaluation.leash_runs import best_distance as theirs
    from llama_course.evaluation.leash_runs import curve

    expect_function(best_distance, "distances, gains")
    d, alpha, beta = [0.3, 0.8, 1.5, 2.2], 0.9, 0.5
    got = best_distance(list(d), [curve(x, alpha, beta) for x in d])
    expect_type(got, (int, float, np.floating), "the distance")
    expect_close(
        got,
        theirs(alpha, beta),
        "On points that lie exactly on the curve, the top",
        [
            (math.exp(alpha / beta), "is where the curve is back at 0; at the top its derivative is 0: α − β ln d − β"),
            (alpha / (2 * beta), "is that of d (α − β d), the curve of best-of-n; here it is d (α − β ln d)"),
            (math.exp(alpha / beta + 1), "has the wrong sign in the exponent: ln d = α / β − 1"),
            (max(d), "is the farthest point seen; the top may lie beyond it, or before"),
            (curve(theirs(alpha, beta), alpha, beta), "is the height of the top; its distance is asked for"),
        ],
        rtol=1e-3,
    )
    noisy = [curve(x, alpha, beta) + e for x, e in zip(d, (0.02, -0.03, 0.01, 0.02), strict=True)]
    columns = np.array([[x, -x * math.log(x)] for x in d])
    a, b = np.linalg.solve(columns.T @ columns, columns.T @ np.array(noisy))
    expect_close(
        best_distance(list(d), noisy), theirs(a, b), "On points with errors, the top of the fitted curve", rtol=1e-3
    )
    rising = best_distance(list(d), [curve(x, 0.4, -0.2) for x in d])
    expect(rising == math.inf, f"a curve that only rises has no top: expected math.inf, got {describe(rising)}.")
    return "two numbers, and one knows where to stop, as far as the curve is right."
