# %% [markdown]
# # Exercises 10 · Misuse
#
# Six exercises for [lesson 10](../course/10_misuse.ipynb), about 80 minutes: three on counting, one on a direction
# in a model, one on a curve, one on judgement. Replace `raise NotImplementedError` with your code and run the check
# below it. Stuck? `hint("10.1")` gives a nudge, asked again an idea, then nearly the code. Solutions:
# [solutions 10](../solutions/10_misuse.ipynb).

# %% tags=["first-cell"]

# %% [markdown]
# ## Exercise 10.1 · None of thirty
#
# **Difficulty** 2 of 4 · **Minutes** 10 · **For** reading "no attack succeeded"
#
# A red team tried `attempts` attacks, each independent of the others, and none succeeded. If the true success rate
# were r, that would happen with probability (1 − r)ⁿ. Return the largest r at which it is still as probable as
# 1 − `confidence`. With a confidence of 0.95 and many attempts that is about 3 / n.


# %%
def largest_rate(attempts, confidence=0.95):
    """A success rate from 0 to 1."""
    ### BEGIN SOLUTION
    return 1 - (1 - confidence) ** (1 / attempts)
    ### END SOLUTION


# %%
check("10.1", largest_rate)

# %%
for attempts in (10, 30, 100, 2244):
    print(f"none of {attempts:5,}: the rate may still be {largest_rate(attempts):.1%}")

# %% [markdown]
# ## Exercise 10.2 · Without one direction
#
# **Difficulty** 2 of 4 · **Minutes** 10 · **For** the whole of an attack, in one line
#
# `states` (N × D) are states of a model, one a row, and `direction` (D numbers, of any length but 0) says along which
# line they are to be told apart no more. Return new states that have nothing left along this line, and are otherwise
# as they were.

# %%
import numpy as np


def without(states, direction):
    """An array of the same shape."""
    ### BEGIN SOLUTION
    unit = direction / np.linalg.norm(direction)
    return states - np.outer(states @ unit, unit)
    ### END SOLUTION


# %%
check("10.2", without)

# %% [markdown]
# ## Exercise 10.3 · Counting green
#
# **Difficulty** 3 of 4 · **Minutes** 15 · **For** seeing a mark that nobody reads
#
# `ids` are the tokens of a text, and `is_green(previous, token)` says whether a token is green after the one before
# it. A share `green_share` of all tokens is green after any token. Count each *different* pair of neighbours once:
# a text that repeats itself proves nothing more. Return z, by how many standard deviations the green ones are more
# than expected: (G − γT) / √(Tγ(1 − γ)), or 0.0 for a text without any pair.


# %%
from itertools import pairwise


def my_z(ids, is_green, green_share):
    """A number."""
    ### BEGIN SOLUTION
    pairs = set(pairwise(ids))
    if not pairs:
        return 0.0
    green = sum(is_green(previous, token) for previous, token in pairs)
    expected = green_share * len(pairs)
    return (green - expected) / (expected * (1 - green_share)) ** 0.5
    ### END SOLUTION


# %%
check("10.3", my_z)

# %% [markdown]
# ## Exercise 10.4 · Rare enough to be wrong
#
# **Difficulty** 2 of 4 · **Minutes** 10 · **For** the question to ask every detector's seller
#
# A detector flags a share `hits` of what it looks for and a share `false_alarms` of everything else. How common must
# the thing be, as a share of all, so that a flag is right with probability `wanted`? Solve
# wanted = b · hits / (b · hits + (1 − b) · false_alarms) for b.


# %%
def base_rate_needed(hits, false_alarms, wanted):
    """A share from 0 to 1."""
    ### BEGIN SOLUTION
    wrong = wanted * false_alarms
    return wrong / (wrong + (1 - wanted) * hits)
    ### END SOLUTION


# %%
check("10.4", base_rate_needed)

# %%
for false_alarms in (0.1, 0.01, 0.001):
    needed = base_rate_needed(0.99, false_alarms, 0.9)
    print(f"{false_alarms:6.1%} false alarms: one in {1 / needed:.0f} must be a swindle for 9 of 10 flags to be right")

# %% [markdown]
# ## Exercise 10.5 · Where to refuse
#
# **Difficulty** 3 of 4 · **Minutes** 15 · **For** choosing a point on the curve of refusal and over-refusal
#
# A model gives every request a number, the larger the more dangerous it seems, and refuses from a threshold on (it
# refuses if number ≥ threshold). `dangers` and `harmless` are the numbers of requests of either kind. Find the
# threshold that refuses as many dangers as possible while it refuses at most a share `most` of the harmless ones.
# Return the pair (share of dangers refused, share of harmless ones refused); where several thresholds refuse equally
# many dangers, the one that refuses the fewest harmless ones.


# %%
def best_point(dangers, harmless, most):
    """A pair of shares."""

    ### BEGIN SOLUTION
    def refused(scores, threshold):
        return sum(score >= threshold for score in scores) / len(scores)

    thresholds = [*dangers, *harmless, float("inf")]
    points = [(refused(dangers, t), refused(harmless, t)) for t in thresholds]
    return max((point for point in points if point[1] <= most), key=lambda point: (point[0], -point[1]))
    ### END SOLUTION


# %%
check("10.5", best_point)

# %% [markdown]
# ## Exercise 10.6 · How much more?
#
# **Difficulty** 4 of 4 · **Minutes** 20 · **For** an argument about misuse that a critic can check
#
# The mayor of Llamaland wants to publish the weights of a chat model, and somebody says: "Then every swindler will
# write letters with it." Fill in the worksheet for *this* threat. Six entries, each a sentence or more, named as in
# the lesson: `threat`, `without`, `defences`, `marginal`, `defending`, `assumptions`. And two more:
#
# - `measured`: a list of pairs (experiment, what it showed), at least one; the experiments are "red team",
#   "curve of refusals", "harmless recipes", "control", "one direction", "filter", "watermark", "detector"
# - `verdict`: "publish", "publish later" or "do not publish"
#
# The check looks at the form. Whether the argument holds a person has to judge: give it to your neighbour with the
# rubric that your teacher has.


# %%
def worksheet():
    """A dictionary with the eight entries."""
    ### BEGIN SOLUTION
    return {
        "threat": "A swindler with a laptop wants a hundred friendly letters that ask for buttons.",
        "without": "A swindler writes ten a day by hand, and other villages sell such models already.",
        "defences": "People know their cousins, and the lamp office gives a receipt for every button.",
        "marginal": "Nobody has counted letters or buttons lost; I only know that refusals will not stop it.",
        "defending": "The detector learns new letters only after somebody was swindled, and a patient one passes.",
        "assumptions": "That writing is what holds swindlers back. A week of counted letters could overturn it.",
        "measured": [
            ("harmless recipes", "Twenty recipes were enough to make it tell, so a ban in the weights is no defence."),
            ("detector", "It caught nearly all swindles it knew and hardly any of a new kind."),
        ],
        "verdict": "publish later",
    }
    ### END SOLUTION


# %%
check("10.6", worksheet)

# %% [markdown]
# ## What you can now do
#
# - say what a number of failed attacks is worth, and how rare a thing may be before a detector misleads
# - take a direction out of a model, and count a mark in a text
# - choose a point on a curve of two kinds of mistakes
# - argue about marginal risk in steps that somebody else can check
