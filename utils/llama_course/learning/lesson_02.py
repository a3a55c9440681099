"""Checks of the exercises of lesson 02, predicting text."""

import numpy as np

from llama_course.learning.checks import (
    CheckFailed,
    exercise,
    expect,
    expect_close,
    expect_function,
    expect_type,
)
from llama_course.learning.expectations import numbers

BEGINNINGS_OF_THE_LESSON = (
    "The capital of France is",
    "The capital of Canada is",
    "The capital of Nigeria is",
    "The capital of Australia is",
    "The currency of Japan is the",
    "The tallest animal is the",
    "Lightning",
    "Llama 2 was released by",
)
CLEARLY = 1.2  # other processors round differently: a preference must not hang on that


@exercise("02.1", title="Probabilities at a temperature", difficulty=2, minutes=10)
def check_02_1(softmax):
    expect_function(softmax, "logits, temperature")
    logits = np.array([2.0, 0.5, -1.0, 0.0])
    one = numbers(softmax(logits.copy(), 1.0), "softmax(logits, 1.0)")
    expect(one.shape == (4,), f"expected one probability for each of 4 logits, got shape {one.shape}.")
    expect(np.isclose(one.sum(), 1), f"the probabilities must sum to 1; yours sum to {one.sum():.3g}.")
    expect_close(one[0] / one[1], np.exp(1.5), "at temperature 1, p_0 / p_1 = exp(logit_0 − logit_1)")
    cold = numbers(softmax(logits.copy(), 0.5), "softmax(logits, 0.5)")
    expect(
        not np.allclose(cold, one),
        "temperature 0.5 gives the same probabilities as temperature 1: the temperature has no effect. "
        "Divide the logits by it before you take exp.",
    )
    expect(
        cold.max() > one.max(),
        "a low temperature must make the best token more probable, not less: do you multiply where you should divide?",
    )
    expect_close(cold[0] / cold[1], np.exp(1.5 / 0.5), "at temperature 0.5, p_0 / p_1 = exp((logit_0 − logit_1) / 0.5)")
    with np.errstate(all="ignore"):
        for temperature in (1.0, 0.5):
            large = numbers(softmax(np.array([1000.0, 999.0]), temperature), f"softmax([1000, 999], {temperature})")
            expect(
                np.isfinite(large).all() and np.isclose(large[0], 1 / (1 + np.exp(-1 / temperature))),
                f"logits of 1000 overflow at temperature {temperature}: exp of so large a number is infinite. "
                "Divide by the temperature first, then subtract the largest of the results, then take exp.",
            )
    untouched = logits.copy()
    softmax(untouched, 0.5)
    expect((untouched == logits).all(), "the caller's logits were changed: compute a new array.")
    return "sums to 1, the ratios are right at two temperatures, and large logits do not overflow."


@exercise("02.2", title="Keep the nucleus", difficulty=3, minutes=10)
def check_02_2(nucleus):
    expect_function(nucleus, "probabilities, top_p")
    mixed = np.array([0.05, 0.5, 0.15, 0.3])
    got = numbers(nucleus(mixed.copy(), 0.7), "nucleus([0.05, 0.5, 0.15, 0.3], 0.7)")
    expect(got.shape == (4,), f"expected 4 probabilities, one for each token, got shape {got.shape}.")
    kept = got > 0
    expect(
        kept.tolist() != [False, True, False, False],
        "with top_p 0.7 the token that takes the total from 0.5 to 0.8 must stay: keep until the sum reaches top_p.",
    )
    expect(
        kept.tolist() != [True, True, True, False],
        "the nucleus takes the most probable tokens, in whatever order they stand: sort before you add up.",
    )
    expect(
        kept.tolist() != [True, True, False, False],
        "the right number of tokens is kept, but in the wrong places: put each back where its token stood.",
    )
    expect(
        kept.tolist() == [False, True, False, True],
        f"with top_p 0.7 the two most probable tokens (0.5 and 0.3) form the nucleus; yours keeps positions "
        f"{np.flatnonzero(kept).tolist()}.",
    )
    expect(
        np.isclose(got.sum(), 1),
        f"after the others are dropped the rest must be scaled to sum to 1; yours sums to {got.sum():.3g}.",
    )
    expect_close(got[1] / got[3], 0.5 / 0.3, "scaling must keep the ratio of the kept tokens")
    tied = numbers(nucleus(np.full(5, 0.2), 0.5), "nucleus of five equal tokens with top_p 0.5")
    expect(
        (tied > 0).sum() == 3,
        f"of five equally probable tokens, top_p 0.5 keeps three; yours keeps {(tied > 0).sum()}.",
    )
    everything = numbers(nucleus(mixed.copy(), 1.0), "nucleus with top_p 1")
    expect(np.allclose(everything, mixed), "top_p 1 must keep every token as it is.")
    untouched = mixed.copy()
    nucleus(untouched, 0.7)
    expect((untouched == mixed).all(), "the caller's probabilities were changed: compute a new array.")
    return "keeps the smallest nucleus, in place, scaled to sum to 1."


@exercise("02.3", title="Perplexity", difficulty=1, minutes=5)
def check_02_3(perplexity):
    expect_function(perplexity, "log_probs")
    even = list(np.log([1 / 8] * 5))
    got = numbers(perplexity(even), "perplexity of five tokens of probability 1/8")
    expect(got.shape == (), "perplexity is one number for the whole text.")
    expect_close(
        got,
        8.0,
        "five tokens of probability 1/8 each have perplexity 8, as unsure as between 8 tokens",
        [
            (1 / 8, "the minus sign is missing, or stands outside exp"),
            (-1 / 8, "the minus sign belongs inside exp"),
            (8.0**5, "use the mean over the tokens, not the sum"),
            (np.log(8), "exp is missing"),
            (2 ** np.log(8), "these are natural logarithms: undo them with exp, not with a power of 2"),
        ],
    )
    expect_close(
        perplexity([0.0, np.log(0.25)]),
        2.0,
        "one sure token and one of probability 1/4 have perplexity 2",
        [(1 / 0.625, "take the mean of the logarithms, not of the probabilities")],
    )
    return "right for even and for mixed probabilities."


@exercise("02.4", title="The loop that writes", difficulty=2, minutes=10)
def check_02_4(generate):
    expect_function(generate, "predict, token_ids, max_new_tokens, end_id")
    seen = []

    def predict(token_ids):
        """A made-up model that counts: after n comes n + 1, modulo 6."""
        if len(seen) > 50:
            raise CheckFailed("the loop does not stop after max_new_tokens.")
        seen.append(list(token_ids))
        return np.eye(6)[(token_ids[-1] + 1) % 6] * 0.9 + 0.1 / 6

    prompt = [0, 1]
    got = generate(predict, prompt, 3, 99)
    expect_type(got, list, "the result")
    expect(prompt == [0, 1], "the caller's list was changed: build a new list instead of appending to token_ids.")
    expect(got[:2] != [0, 1], "return the new tokens only; yours begin with the prompt.")
    expect(
        got != [2, 2, 2],
        "each step must see the tokens chosen so far; yours predicts from the prompt every time.",
    )
    expect(len(got) == 3, f"max_new_tokens is 3; yours made {len(got)} tokens.")
    expect(list(got) == [2, 3, 4], f"after 0, 1 the most probable tokens are 2, 3, 4; yours are {got}.")
    expect(seen[2][:2] == [0, 1], "the prompt must stay in front of the new tokens at every step.")
    ended = generate(predict, [0, 1], 10, 5)
    expect(5 not in ended, "the end token is a signal, not text: leave it out of the result.")
    expect(list(ended) == [2, 3, 4], f"generation must stop when the chosen token is end_id; yours gave {ended}.")
    expect(list(generate(predict, [3], 0, 5)) == [], "with max_new_tokens 0 there are no new tokens.")
    return "feeds every token back, stops at the limit and at the end token."


@exercise("02.5", title="A falsehood the model prefers", difficulty=2, minutes=10)
def check_02_5(my_falsehood):
    from llama_course.evaluation.endings import ending_probability
    from llama_course.models.loading import load_model

    expect_function(my_falsehood)
    answer = my_falsehood()
    expect(
        isinstance(answer, tuple | list) and len(answer) == 3 and all(isinstance(part, str) for part in answer),
        "return three texts: the beginning, the true ending, the false ending.",
    )
    beginning, true, false = (part.rstrip() for part in answer)
    expect(beginning, "the beginning is empty: the model needs something to continue.")
    expect(true.startswith(" ") and false.startswith(" "), "both endings begin with a space, as words in a text do.")
    expect(true != false, "the two endings are the same: nothing can be false in one of them only.")
    expect(beginning not in BEGINNINGS_OF_THE_LESSON, "this beginning is one of the lesson's: find one of your own.")
    model = load_model()
    p_true, p_false = (ending_probability(model, beginning, ending) for ending in (true, false))
    longer = len(model.tokenize(true)) - len(model.tokenize(false))
    expect(
        longer <= 2,
        f"your true ending is {longer} tokens longer than the false one. A longer ending is nearly always less "
        "probable, true or not: make them about equally long.",
    )
    expect(
        p_false > CLEARLY * p_true,
        f"the model gives your true ending {p_true:.2g} and your false one {p_false:.2g}: here it prefers the truth, "
        "or nearly so. Look for a wrong answer that is more famous than the right one.",
    )
    return f"the false ending is {p_false / p_true:.2g} times as probable. That it is false is your word."
