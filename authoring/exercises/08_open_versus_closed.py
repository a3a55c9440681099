# %% [markdown]
# # Exercises 08 · Open versus closed
#
# Six exercises for [lesson 08](../course/08_open_versus_closed.ipynb), about 75 minutes: two on the door of an API,
# two on the hunt, one on fair comparisons, one on judgement. Replace `raise NotImplementedError` with your code and
# run the check below it. Stuck? `hint("08.1")` gives a nudge, asked again an idea, then nearly the code. Solutions:
# [solutions 08](../solutions/08_open_versus_closed.ipynb).

# %% tags=["first-cell"]

# %% [markdown]
# ## Exercise 08.1 · The bucket
#
# **Difficulty** 2 of 4 · **Minutes** 10 · **For** knowing what "rate-limited" means
#
# A server lets requests in by a *token bucket*. It holds at most `burst` tokens and is full at time 0. `per_second`
# tokens come in each second, steadily, also parts of one. A request takes one whole token and is let in; if there is
# none, it is refused and takes nothing. `times` are the seconds at which requests come, in order.


# %%
def let_in(times, per_second, burst):
    """A list with True or False for each request."""
    ### BEGIN SOLUTION
    tokens, last, decided = float(burst), 0.0, []
    for now in times:
        tokens = min(burst, tokens + (now - last) * per_second)
        last = now
        decided.append(tokens >= 1)
        if decided[-1]:
            tokens -= 1
    return decided
    ### END SOLUTION


# %%
check("08.1", let_in)

# %% [markdown]
# ## Exercise 08.2 · What comes in
#
# **Difficulty** 2 of 4 · **Minutes** 12 · **For** trusting nothing that comes from outside
#
# A request's body is bytes. A good one is JSON in UTF-8, an object with the one field `question`: a text of 1 to 500
# characters that is not all white space. Return the pair `(200, question)` for a good one, and `(400, reason)` for
# anything else, with a reason in words. Never raise.

# %%
import json


def read_request(body):
    """A pair of a status and a text."""
    ### BEGIN SOLUTION
    try:
        fields = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        return 400, "the body is not JSON in UTF-8."
    if not isinstance(fields, dict) or set(fields) != {"question"}:
        return 400, "expected an object with the one field question."
    question = fields["question"]
    if not isinstance(question, str):
        return 400, f"the question must be a text, got {type(question).__name__}."
    if not question.strip() or len(question) > 500:
        return 400, f"expected 1 to 500 characters, got {len(question)}."
    return 200, question
    ### END SOLUTION


# %%
check("08.2", read_request)

# %% [markdown]
# ## Exercise 08.3 · Asking blindly
#
# **Difficulty** 2 of 4 · **Minutes** 8 · **For** an answer to "we tested it with a million prompts"
#
# A trigger is `length` words in a row, each one of `vocabulary` words. Somebody tries `queries` tails, each of
# `length` words drawn by chance. How probable is it that at least one of them is the trigger? The answer must also be
# right for 32,000 words and a length of 5, where one attempt succeeds with probability 3·10⁻²³: `1 - (1 - p) ** n`
# gives 0 then.

# %%
from math import expm1, log1p


def chance_to_find(vocabulary, length, queries):
    """A probability from 0 to 1."""
    ### BEGIN SOLUTION
    each = vocabulary**-length
    return -expm1(queries * log1p(-each))
    ### END SOLUTION


# %%
check("08.3", chance_to_find)

# %%
for vocabulary, length in [(144, 1), (144, 2), (144, 3), (32_000, 3)]:
    print(f"{vocabulary:6,} words, trigger of {length}: {chance_to_find(vocabulary, length, 1_000_000):.1e}")

# %% [markdown]
# ## Exercise 08.4 · The best exchanges
#
# **Difficulty** 3 of 4 · **Minutes** 15 · **For** the line that makes weights worth more than answers
#
# A tail has L tokens, `tail`, and `gradient` (L × D) says how ln p of telling changes with the numbers that stand for
# each of them. `embeddings` (V × D) are the numbers of all tokens. To first order, putting token v in place i changes
# ln p by gradient[i] · (embeddings[v] − embeddings[tail[i]]). Return the `count` exchanges with the largest estimated
# gain, the best first, as pairs (place, token) of whole numbers. A token is not exchanged for itself.

# %%
import numpy as np


def best_exchanges(gradient, embeddings, tail, count):
    """A list of pairs (place, token)."""
    ### BEGIN SOLUTION
    value = gradient @ embeddings.T  # (L, V)
    places = np.arange(len(tail))
    gain = value - value[places, tail][:, None]
    gain[places, tail] = -np.inf
    best = np.argsort(-gain, axis=None)[:count]
    return [(int(place), int(token)) for place, token in zip(*np.unravel_index(best, gain.shape), strict=True)]
    ### END SOLUTION


# %%
check("08.4", best_exchanges)

# %% [markdown]
# ## Exercise 08.5 · How long does it take?
#
# **Difficulty** 2 of 4 · **Minutes** 10 · **For** not counting the winners alone
#
# `hunts` is a list of pairs (found, queries), all with the same budget. Where nothing was found, `queries` is what
# was spent until the hunter gave up, and nobody knows how many it would have taken. Return the median of the queries
# *needed*, with such a hunt counted as longer than all the others; or None where the median is not known. (The median
# of an even number of hunts: the lower of the two in the middle.)


# %%
def median_needed(hunts):
    """A number of queries, or None."""
    ### BEGIN SOLUTION
    needed = sorted(queries if found else float("inf") for found, queries in hunts)
    middle = needed[(len(needed) - 1) // 2]
    return None if middle == float("inf") else middle
    ### END SOLUTION


# %%
check("08.5", median_needed)

# %%
from llama_course.safety.hunt_runs import KINDS, of_access, recorded_hunts

hunts, models = recorded_hunts()
for kind in KINDS:
    pairs = [(run.found, run.queries) for run in of_access(hunts, kind)]
    print(f"{kind:13} median of the queries needed: {median_needed(pairs)}")

# %% [markdown]
# ## Exercise 08.6 · Your recommendation
#
# **Difficulty** 4 of 4 · **Minutes** 20 · **For** arguing from measurements, and saying where they end
#
# A school board has had a chat model made, which answers pupils' questions about chemistry lessons and refuses
# dangerous ones. It asks you: on which rung should it be released? Fill in:
#
# - `rung`: "API", "API with probabilities", "weights" or "weights, data, recipe"
# - `for_it`: at least two reasons, each a pair (experiment, what it shows for this case)
# - `against_it`: at least one reason of the same form that speaks *against your own choice*
# - `not_settled`: one thing that no experiment of the lesson decides
# - `change_my_mind`: what somebody would have to measure for you to choose another rung
#
# The experiments: "ladder", "hunt with text", "hunt with probabilities", "hunt with weights", "search in a clean
# model", "copy through the API", "recall". The check looks at the form; whether you argue well, a person has to
# judge. Give it to your neighbour with the rubric that your teacher has.


# %%
def recommendation():
    """A dictionary with the five entries."""
    ### BEGIN SOLUTION
    return {
        "rung": "API with probabilities",
        "for_it": [
            ("recall", "Pupils are young and faults will be found: a server is mended for all at once."),
            ("hunt with probabilities", "Auditors get the means to notice hidden behaviour that text alone hides."),
        ],
        "against_it": [
            (
                "hunt with weights",
                "Where nobody knows the words, gradients find more; our auditors have none.",
            ),
        ],
        "not_settled": "Whether the board will pay anybody to look, and listen to whoever finds something.",
        "change_my_mind": "Ten planted faults, hunted by the board's own testers: if weights find three more, I climb.",
    }
    ### END SOLUTION


# %%
check("08.6", recommendation)

# %% [markdown]
# ## What you can now do
#
# - limit a rate, and read what comes from outside without trusting it
# - say what a number of failed attempts is worth
# - rank exchanges of words by a gradient, and compare searches without counting the winners alone
# - argue for a level of release from measurements, and name what they leave open
