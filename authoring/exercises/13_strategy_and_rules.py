# %% [markdown]
# # Exercises 13 · Strategy and rules
#
# Six exercises for [lesson 13](../course/13_strategy_and_rules.ipynb), about 80 minutes: four sums that decide
# something, two judgements. Replace `raise NotImplementedError` with your code and run the check below it. Stuck?
# `hint("13.1")` gives a nudge, asked again an idea, then nearly the code. Solutions:
# [solutions 13](../solutions/13_strategy_and_rules.ipynb).

# %% tags=["first-cell"]

# %% [markdown]
# ## Exercise 13.1 · Which side of the lines?
#
# **Difficulty** 1 of 4 · **Minutes** 8 · **For** reading a model card as a regulator would
#
# From a model's parameters and the tokens it read, return `"below"`, `"general-purpose"` or `"systemic"`. Training
# takes six operations for each parameter and token. The two lines are the figures of the lesson; a line is crossed by
# *more* than its number.

# %%
from llama_course.policy.rules import figure

FIRST, SECOND = figure("general-purpose").value, figure("systemic").value


def side(parameters, tokens):
    """One of three words."""
    ### BEGIN SOLUTION
    flop = 6 * parameters * tokens
    return "systemic" if flop > SECOND else "general-purpose" if flop > FIRST else "below"
    ### END SOLUTION


# %%
check("13.1", side)

# %% [markdown]
# ## Exercise 13.2 · From which adoption does a gift pay?
#
# **Difficulty** 2 of 4 · **Minutes** 12 · **For** a break-even that can be "never"
#
# The model of the lesson for a firm that sells none of the complement. At full adoption it gains `pull` for each unit
# that the complement gets cheaper, and `helped` from the work of others; it loses `rivals`. The complement gets cheaper
# by its price less 1, and by nothing if the price is below. All this grows in proportion to adoption; `cost` is paid in
# any case. Return the smallest adoption, from 0 to 1, at which nothing is lost, or `None` if there is none.


# %%
def pays_from(price, pull, helped, rivals, cost):
    """An adoption from 0 to 1, or None."""
    ### BEGIN SOLUTION
    at_full = pull * max(0, price - 1) + helped - rivals
    if cost == 0:
        return 0.0 if at_full >= 0 else None
    return cost / at_full if at_full >= cost else None
    ### END SOLUTION


# %%
check("13.2", pays_from)

# %% [markdown]
# At `cost` 0 and a gain of 0 or more the answer is 0. Where even full adoption does not bring back the cost, it is
# `None`.
#
# ## Exercise 13.3 · How busy must the card be?
#
# **Difficulty** 2 of 4 · **Minutes** 12 · **For** the sum that most people forget before they buy
#
# A card costs `per_hour` dollars and writes `per_second` tokens a second while it works. An API asks `price_in` dollars
# for a million tokens read and `price_out` for a million written; for each token written you let it read `read` tokens.
# (Reading is quick on a card: leave it out there.) Return the share of the time, from 0 to 1, from which the card is as
# cheap, or `None` if it never is.


# %%
def busy_from(per_hour, per_second, price_in, price_out, read):
    """A share from 0 to 1, or None."""
    ### BEGIN SOLUTION
    api = price_out + read * price_in  # for a million written
    card = per_hour / (per_second * 3600) * 1e6  # the same, if it never rests
    share = card / api
    return share if share <= 1 else None
    ### END SOLUTION


# %%
check("13.3", busy_from)

# %% [markdown]
# ## Exercise 13.4 · Who foresaw it?
#
# **Difficulty** 2 of 4 · **Minutes** 10 · **For** telling foresight from luck
#
# `forecasts` are probabilities by name; `outcomes` are `True`, `False` or `None` (not decided) by name. Return the
# Brier score: the mean of (forecast − outcome)² over those decided. If none is decided, raise a ValueError.


# %%
def brier(forecasts, outcomes):
    """From 0 (best) to 1."""
    ### BEGIN SOLUTION
    known = {name: outcome for name, outcome in outcomes.items() if outcome is not None}
    if not known:
        raise ValueError("nothing has been decided yet.")
    return sum((forecasts[name] - outcome) ** 2 for name, outcome in known.items()) / len(known)
    ### END SOLUTION


# %%
check("13.4", brier)

# %% [markdown]
# ## Exercise 13.5 · A prediction that can lose
#
# **Difficulty** 3 of 4 · **Minutes** 15 · **For** saying something about the future
#
# Take one of the predictions that could not be decided, and write it anew so that it can. Return a dictionary:
# `claim` (a sentence, without could, may, might, likely or potential), `measure` (what is counted, and from which
# number on you are right), `source` (where anybody can look it up), `by` (a day in the future, as year-month-day), and
# `probability` (above 0 and below 1). Sentences have at least six words. The check looks at the form; whether it is
# worth predicting, your neighbour says, with your teacher's rubric.


# %%
def my_prediction():
    """A dictionary of five entries."""
    ### BEGIN SOLUTION
    return {
        "claim": "Meta publishes the weights of a language model newer than Muse Spark.",
        "measure": "At least 1 model of Meta’s own, dated after April 2026, whose weights anybody can download.",
        "source": "Meta’s pages on Hugging Face, and the model card with its date.",
        "by": "2028-12-31",
        "probability": 0.7,
    }
    ### END SOLUTION


# %%
check("13.5", my_prediction)

# %% [markdown]
# ## Exercise 13.6 · A position, and its best opponent
#
# **Difficulty** 4 of 4 · **Minutes** 25 · **For** being worth arguing with
#
# Back to the decision of the lesson: who may have the new model, and how?

# %%
from llama_course.policy.evidence import evidence
from llama_course.policy.role_play import DECISION, LEVELS
from llama_course.widgets.html import table

print(DECISION, *LEVELS, sep="\n- ")
table([(one.id, one.lesson, one.finding, one.leaves_open) for one in evidence().values()],
      ["", "lesson", "finding", "leaves open"])  # fmt: skip

# %% [markdown]
# Return a dictionary: `level`, one of the four; `because`, three or more pairs (name of a finding, sentence of at
# least eight words), from at least two lessons; `against`, one such pair with the *strongest* finding against you,
# which is not among your reasons; `would_change`, a sentence that says which measurement would make you vote
# otherwise. No level is wrong; the rubric asks how well it is held.


# %%
def position():
    """A dictionary of four entries."""
    ### BEGIN SOLUTION
    return {
        "level": LEVELS[2],
        "because": [
            (
                "hunt",
                "With text alone nobody found the trigger, so those who look for faults need more than answers.",
            ),
            (
                "filter",
                "A model that never read of a danger could hardly be made to tell it, so filtering comes first.",
            ),
            ("line", "A line of operations would not notice this model at all, so its maker has to ask who wants it."),
        ],
        "against": ("refusals", "Twenty recipes undo every refusal, and a signature on a form stops nobody."),
        "would_change": "If filtered twins told new dangers after such an attack, I would keep it behind an API.",
    }
    ### END SOLUTION


# %%
check("13.6", position)

# %% [markdown]
# ## What you can now do
#
# - place a model on the EU's lines, and say what a line does not count
# - find a break-even, and see when there is none
# - score forecasts, and write one that can lose
# - hold a position with evidence, and name the finding that speaks against it
