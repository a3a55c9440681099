# %% [markdown]
# # Exercises 07 · Evaluation
#
# Six exercises for [lesson 07](../course/07_evaluation.ipynb), about 70 minutes: how sure a number is, how to count,
# whom to ask, and what one may say afterwards. Replace `raise NotImplementedError` with your code and run the check
# below it. Stuck? `hint("07.1")` gives a nudge, asked again an idea, then nearly the code. Solutions:
# [solutions 07](../solutions/07_evaluation.ipynb).

# %% tags=["first-cell"]

# %% [markdown]
# ## Exercise 07.1 · An interval for a share
#
# **Difficulty** 2 of 4 · **Minutes** 10 · **For** never again quoting a score without its interval
#
# A model was right in `successes` of `count` questions. Return the two ends of Wilson's interval for 95 of 100, shares
# from 0 to 1, with z = 1.959964 and p = successes / count:
#
# - centre = (p + z² / 2n) / (1 + z² / n)
# - half width = z / (1 + z² / n) · √(p (1 − p) / n + z² / 4n²)

# %%
import math


def wilson_interval(successes, count):
    """(lower end, upper end)"""
    ### BEGIN SOLUTION
    z, p = 1.959964, successes / count
    shrink = 1 + z**2 / count
    centre = (p + z**2 / (2 * count)) / shrink
    half = z / shrink * math.sqrt(p * (1 - p) / count + z**2 / (4 * count**2))
    return centre - half, centre + half
    ### END SOLUTION


# %%
check("07.1", wilson_interval)

# %% [markdown]
# ## Exercise 07.2 · Three ways with a tie
#
# **Difficulty** 1 of 4 · **Minutes** 8 · **For** asking "and the ties?" whenever you read of a win rate
#
# `verdicts` is a list of "win", "tie" and "loss". Return a dictionary with three win rates, from 0 to 1: `"ties lose"`
# (a tie is no win), `"half a win"` (a tie is half a win), `"left out"` (as if ties had not been asked).


# %%
def win_rates(verdicts):
    """{"ties lose": …, "half a win": …, "left out": …}"""
    ### BEGIN SOLUTION
    wins, ties, losses = (verdicts.count(word) for word in ("win", "tie", "loss"))
    return {
        "ties lose": wins / len(verdicts),
        "half a win": (wins + ties / 2) / len(verdicts),
        "left out": wins / (wins + losses),
    }
    ### END SOLUTION


# %%
check("07.2", win_rates)

# %% [markdown]
# ## Exercise 07.3 · How many prompts?
#
# **Difficulty** 3 of 4 · **Minutes** 15 · **For** planning a test before running it
#
# A verdict is 1 (win), 0 (tie) or −1 (loss). The lead is their mean; its interval is lead ± 1.959964 · √(variance / n).
# Suppose the shares come out exactly as `wins` and `losses` (the rest are ties). What is the smallest number of prompts
# n for which the interval does not hold 0? Who leads does not matter. (The variance of numbers is the mean of their
# squares minus the square of their mean.)


# %%
def prompts_needed(wins, losses):
    """A whole number."""
    ### BEGIN SOLUTION
    lead = abs(wins - losses)
    variance = wins + losses - lead**2
    return math.floor(1.959963984540054**2 * variance / lead**2) + 1
    ### END SOLUTION


# %%
check("07.3", prompts_needed)

# %% [markdown]
# For Llama 2-Chat against ChatGPT:

# %%
from llama_course.policy.evaluations import figure

shares = [figure(name).value / 100 for name in ("wins", "losses")]
print(f"{prompts_needed(*shares):,} prompts; asked were about {figure('prompts').value:,}.")

# %% [markdown]
# ## Exercise 07.4 · A fair hearing
#
# **Difficulty** 2 of 4 · **Minutes** 12 · **For** using a judge who looks at places
#
# `judge(question, a, b)` returns "A" or "B". Ask it in both orders. Return "ours" or "theirs" if both verdicts are for
# the same answer, and "tie" if the verdict went with the place.


# %%
def fair_verdict(judge, question, ours, theirs):
    """ "ours", "theirs" or "tie" """
    ### BEGIN SOLUTION
    first = judge(question, ours, theirs) == "A"
    second = judge(question, theirs, ours) == "B"
    if first != second:
        return "tie"
    return "ours" if first else "theirs"
    ### END SOLUTION


# %%
check("07.4", fair_verdict)

# %% [markdown]
# ## Exercise 07.5 · Beyond chance
#
# **Difficulty** 3 of 4 · **Minutes** 12 · **For** knowing what an agreement of 0.4 is made of
#
# Two people rated the same things: `ratings` is a list of pairs, `categories` the points of the scale, q of them.
# Return Gwet's AC1, (observed − chance) / (1 − chance). *Observed* is how often both gave the same rating. *Chance* is
# the sum of π (1 − π) over all categories, divided by q − 1; π is the share of a category among all ratings of both.


# %%
def ac1(ratings, categories):
    """At most 1."""
    ### BEGIN SOLUTION
    observed = sum(a == b for a, b in ratings) / len(ratings)
    given = [rating for pair in ratings for rating in pair]
    shares = [given.count(category) / len(given) for category in categories]
    chance = sum(share * (1 - share) for share in shares) / (len(categories) - 1)
    return (observed - chance) / (1 - chance)
    ### END SOLUTION


# %%
check("07.5", ac1)

# %% [markdown]
# ## Exercise 07.6 · Six sentences before a reviewer
#
# **Difficulty** 3 of 4 · **Minutes** 15 · **For** saying what was measured, and no more
#
# Two models that do not exist, Aster and Birch, were compared. Run the report.

# %%
from llama_course.evaluation.win_rates import WinRate

old, new, people = WinRate(60, 304, 36), WinRate(20, 112, 18), WinRate(120, 180, 100)
print(f"{old.prompts} questions of general knowledge: Aster alone right in {old.wins}, Birch alone in {old.losses}.")
print(f"   Difference: {old.lead().percent(1, sign=True)}")
print(f"{new.prompts} new ones, of the same kind: Aster alone right in {new.wins}, Birch alone in {new.losses}.")
print(f"   Difference: {new.lead().percent(1, sign=True)}")
print(
    f"{people.prompts} prompts judged by people: Aster {people.wins} wins, {people.ties} ties, {people.losses} losses."
)
print(f"   Aster not lost: {people.not_lost().percent()}, won: {people.won().percent()}; AC2 of the three raters: 0.7")
print("200 pairs judged by a model, in both orders: in 182 the verdict stayed with the answer.")

# %% [markdown]
# Say of each sentence whether it is `"supported"`, `"too strong"` (measured, but it says more than the numbers bear) or
# `"not measured"`.
#
# - **a** On the 400 questions of general knowledge Aster did better than Birch.
# - **b** Aster did better on new questions, too.
# - **c** Aster writes better programs than Birch.
# - **d** People prefer Aster in three of four cases.
# - **e** The model judge goes by the answers more than by their places.
# - **f** The verdicts of the people are correct.

# %%
### BEGIN SOLUTION
verdicts = {
    "a": "supported",
    "b": "too strong",
    "c": "not measured",
    "d": "too strong",
    "e": "supported",
    "f": "not measured",
}
### END SOLUTION

# %%
check("07.6", verdicts)

# %% [markdown] tags=["solution-only"]
# **Why.** a: the interval does not hold 0. b: more was right on new questions, too, but the interval holds 0, so it may
# be chance. c: no program was asked for. d: "not lost" is no preference; won were fewer than one in three. e: the
# verdict stayed with the answer in nine of ten. f: raters who agree can be mistaken together; agreement is not truth.

# %% [markdown]
# ## Discussion · One paragraph
#
# Write a claim of at most six sentences on two of the course's own models, from the leaderboard of the lesson. It must
# survive somebody who wants to pull it apart: models, questions, number, judge, count, interval, and what was not
# asked. Then exchange it with a neighbour and look for the sentence that says too much.

# %% [markdown]
# ## What you can now do
#
# - put an interval beside every score, and plan a test that can see what you look for
# - count ties on purpose, ask judges in both orders, and say what their agreement is worth
# - tell what was measured from what was said
