# %% [markdown]
# # Exercises 04 · Pretraining
#
# Six exercises for [lesson 04](../course/04_pretraining.ipynb), about 65 minutes: two on how a model learns, one on
# predicting how well, three on what it takes. Replace `raise NotImplementedError` with your code and run the check
# below it. Stuck? `hint("04.1")` gives a nudge, asked again an idea, then nearly the code. Solutions:
# [solutions 04](../solutions/04_pretraining.ipynb).

# %% tags=["first-cell"]

# %% [markdown]
# ## Exercise 04.1 · The loss by hand
#
# **Difficulty** 2 of 4 · **Minutes** 10 · **For** knowing what goes down when a model learns
#
# A model reads T tokens. At each place it gives a probability to every token of its vocabulary, for what comes *next*.
# Return the loss: the mean of −ln p of the tokens that really came next. What it predicts at the last place has no
# answer and does not count.

# %%
import numpy as np


def loss(probabilities, token_ids):
    """A number in nats, from probabilities of shape (T, V) and T token ids."""
    ### BEGIN SOLUTION
    predicted, came = np.asarray(probabilities)[:-1], np.asarray(token_ids)[1:]
    return float(-np.log(predicted[np.arange(len(came)), came]).mean())
    ### END SOLUTION


# %%
check("04.1", loss)

# %% [markdown]
# ## Exercise 04.2 · One step of training
#
# **Difficulty** 2 of 4 · **Minutes** 10 · **For** writing the four lines that are repeated a million times
#
# Given a model, an optimizer and a batch of token ids, do one step of pretraining: compute the loss (the library's
# `next_token_loss` shifts the tokens itself), find its gradient, move the weights. Return the loss as a plain number.
# Your function will be called again and again; a gradient that is still there from the last call must not count twice.

# %%
from llama_course.training.losses import next_token_loss


def train_step(model, optimizer, input_ids):
    """The loss before the step, a float; model(input_ids) gives the logits."""
    ### BEGIN SOLUTION
    loss = next_token_loss(model(input_ids), input_ids)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()
    ### END SOLUTION


# %%
check("04.2", train_step)

# %% [markdown]
# ## Exercise 04.3 · A law, by hand
#
# **Difficulty** 3 of 4 · **Minutes** 15 · **For** predicting a model before it exists
#
# Some losses follow loss = a · N^(−b). Then ln(loss) = ln(a) − b · ln(N): a straight line, if both axes are
# logarithms. Fit that line to the measurements (`np.polyfit(x, y, 1)` gives slope and height) and return the loss it
# predicts for `new_size`.


# %%
def predict_loss(sizes, losses, new_size):
    """The predicted loss, a number, from measured losses of models with these sizes."""
    ### BEGIN SOLUTION
    slope, height = np.polyfit(np.log(sizes), np.log(losses), 1)
    return float(np.exp(height + slope * np.log(new_size)))
    ### END SOLUTION


# %%
check("04.3", predict_loss)

# %% [markdown]
# ## Exercise 04.4 · How many days?
#
# **Difficulty** 1 of 4 · **Minutes** 5 · **For** an estimate on the back of an envelope
#
# How many days does it take to train a model with `parameters` on `tokens`, with so many `cards`, each of which can
# make `peak_flop_per_s` operations a second at best and reaches the share `utilisation` of that?


# %%
def training_days(parameters, tokens, cards, peak_flop_per_s, utilisation):
    """Days, a number; the rule is 6 operations for each parameter and token."""
    ### BEGIN SOLUTION
    seconds = 6 * parameters * tokens / (cards * peak_flop_per_s * utilisation)
    return seconds / (24 * 3600)
    ### END SOLUTION


# %%
check("04.4", training_days)

# %% [markdown]
# ## Exercise 04.5 · What is missing?
#
# **Difficulty** 2 of 4 · **Minutes** 10 · **For** reading a table that does not add up
#
# A model card prints rows (hours, watts, tonnes) and the totals of hours and tonnes. One row is missing. Return its
# hours, its watts and its tonnes. All models used electricity from the same place: the tonnes for each kilowatt-hour
# are the same in every row. (A card of 400 watts uses 0.4 kilowatt-hours in an hour.)


# %%
def missing_row(rows, total_hours, total_tonnes):
    """(hours, watts, tonnes) of the missing row; rows is a list of such triples."""
    ### BEGIN SOLUTION
    hours = total_hours - sum(row[0] for row in rows)
    tonnes = total_tonnes - sum(row[2] for row in rows)
    tonnes_per_kwh = sum(row[2] for row in rows) / sum(row[0] * row[1] / 1000 for row in rows)
    return hours, 1000 * tonnes / tonnes_per_kwh / hours, tonnes
    ### END SOLUTION


# %%
check("04.5", missing_row)

# %% [markdown]
# ## Exercise 04.6 · Can this card be true?
#
# **Difficulty** 2 of 4 · **Minutes** 15 · **For** an estimate for any model card
#
# A model card claims: so many parameters, so many tokens, so many GPU hours. Work out the utilisation that this would
# mean (the share of the cards' peak) and return one word:
#
# - "impossible" if the cards would have had to do more than they can,
# - "plausible" if the utilisation lies in `usual`, a pair (low, high), both ends included,
# - "unusual" otherwise.


# %%
def judge_card(parameters, tokens, gpu_hours, peak_flop_per_s, usual):
    """ "impossible", "plausible" or "unusual"."""
    ### BEGIN SOLUTION
    utilisation = 6 * parameters * tokens / (gpu_hours * 3600 * peak_flop_per_s)
    if utilisation > 1:
        return "impossible"
    low, high = usual
    return "plausible" if low <= utilisation <= high else "unusual"
    ### END SOLUTION


# %%
check("04.6", judge_card)

# %% [markdown]
# Now try it on a real one, on other cards than Llama 2's; usual is what the other published runs reached.

# %%
from llama_course.policy.training_runs import figure, run, runs

card = run("llama-3.1-405b")
others = [row.utilisation for row in runs().values() if row is not card]
print(f"{card.model}: {card.tokens:,} tokens, {card.gpu_hours:,} hours ({card.source.document.name})")
print(judge_card(card.parameters, card.tokens, card.gpu_hours, figure("h100-peak").value, (min(others), max(others))))

# %% [markdown] tags=["solution-only"]
# A little below the others, no more. Whether the hours hold waiting and starting again as well, the card does not say.

# %% [markdown]
# ## What you can now do
#
# - write the loss and the step of pretraining
# - predict a loss, and say on which assumption
# - estimate what a model took, and find what a card leaves out
