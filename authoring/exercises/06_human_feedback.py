# %% [markdown]
# # Exercises 06 · Human feedback
#
# Six exercises for [lesson 06](../course/06_human_feedback.ipynb), about 65 minutes: from the labels to the loss, from
# the loss to the policy, and to the point where one should stop. Replace `raise NotImplementedError` with your code and
# run the check below it. Stuck? `hint("06.1")` gives a nudge, asked again an idea, then nearly the code. Solutions:
# [solutions 06](../solutions/06_human_feedback.ipynb).

# %% tags=["first-cell"]

# %% [markdown]
# ## Exercise 06.1 · How good can it get?
#
# **Difficulty** 2 of 4 · **Minutes** 10 · **For** reading an accuracy with its ceiling beside it
#
# Annotators slip more often where two answers are close. `pairs` is a list with a tuple for each kind of pair: how many
# pairs there are, and how often a label is mistaken there (0.5 where the answers are equally good). What accuracy would
# somebody reach who is *never* mistaken, measured by these labels?


# %%
def ceiling(pairs):
    """A share from 0 to 1."""
    ### BEGIN SOLUTION
    total = sum(count for count, mistaken in pairs)
    return sum(count * (1 - mistaken) for count, mistaken in pairs) / total
    ### END SOLUTION


# %%
check("06.1", ceiling)

# %% [markdown]
# ## Exercise 06.2 · The ranking loss
#
# **Difficulty** 2 of 4 · **Minutes** 10 · **For** writing the loss of a reward model so that it bears large numbers
#
# For each pair the loss is −ln σ(chosen − rejected − margin), with σ(x) = 1 / (1 + exp(−x)); return the mean. The three
# are numpy arrays of equal length. Rewards of ±1,000 must give neither `inf` nor `nan`: note that
# −ln σ(x) = ln(1 + exp(−x)), and look at `np.logaddexp`.

# %%
import numpy as np


def ranking_loss(chosen, rejected, margins):
    """One number."""
    ### BEGIN SOLUTION
    x = chosen - rejected - margins
    return np.logaddexp(0, -x).mean()
    ### END SOLUTION


# %%
check("06.2", ranking_loss)

# %% [markdown]
# ## Exercise 06.3 · The best of n
#
# **Difficulty** 3 of 4 · **Minutes** 12 · **For** seeing what choosing by a reward buys in truth
#
# For one question, N answers were drawn. `rewards` says what a reward model thinks of each, `gold` what each is worth.
# Somebody draws n of these N (each set of n is equally likely) and keeps the one with the highest *reward*. What is its
# *gold* reward on average? No two rewards are equal. (N is 12 at most here, so all sets can be gone through.)


# %%
def best_of_n(rewards, gold, n):
    """The mean gold reward of the answer that is kept."""
    ### BEGIN SOLUTION
    from itertools import combinations

    sets = list(combinations(range(len(rewards)), n))
    kept = [max(chosen, key=lambda i: rewards[i]) for chosen in sets]
    return sum(gold[i] for i in kept) / len(sets)
    ### END SOLUTION


# %%
check("06.3", best_of_n)

# %% [markdown]
# ## Exercise 06.4 · A step on the leash
#
# **Difficulty** 3 of 4 · **Minutes** 12 · **For** the two places where PPO holds back
#
# First the leash. Each answer has a reward and a log-probability under the policy and under the reference, the policy
# as it was. Take off `kl_weight` times (log-probability now − before). Then return the *advantages*: what is left,
# minus its mean, divided by its standard deviation (numpy's `std`). If all are equal the advantages are 0.


# %%
def advantages(rewards, log_probs, reference_log_probs, kl_weight):
    """One number an answer."""
    ### BEGIN SOLUTION
    worth = rewards - kl_weight * (log_probs - reference_log_probs)
    centred = worth - worth.mean()
    spread = centred.std()
    return centred / spread if spread > 1e-8 else np.zeros_like(centred)
    ### END SOLUTION


# %%
check("06.4", advantages)

# %% [markdown]
# ## Exercise 06.5 · A ghost
#
# **Difficulty** 2 of 4 · **Minutes** 10 · **For** building the data of Ghost Attention yourself
#
# `questions` and `answers` belong to one conversation; each answer was given with the instruction in sight. Make the
# conversation that is trained on, as Llama 2's makers did: a list of messages (`{"role": …, "content": …}`, user and
# assistant in turn) in which the instruction, a new line and the question make up the *first* user message, and all
# others are as they were. Return it with a list that says, for each message, whether the loss counts it.


# %%
def ghost(questions, answers, instruction):
    """Messages, and for each of them True or False."""
    ### BEGIN SOLUTION
    messages = []
    for number, (question, answer) in enumerate(zip(questions, answers, strict=True)):
        text = f"{instruction}\n{question}" if number == 0 else question
        messages += [{"role": "user", "content": text}, {"role": "assistant", "content": answer}]
    counts = [False] * (len(messages) - 1) + [True]
    return messages, counts
    ### END SOLUTION


# %%
check("06.5", ghost)

# %% [markdown]
# ## Exercise 06.6 · Where to stop
#
# **Difficulty** 3 of 4 · **Minutes** 15 · **For** finding the top of a curve that you have seen only the beginning of
#
# The gold reward won follows R(d) = d (α − β ln d), d being the root of the KL. People have judged the answers at a few
# distances, with some error. Fit α and β by least squares (`np.linalg.lstsq`; R is linear in both), and return the
# distance at which the fitted curve is highest. Where β is not above 0 the curve has no top: return `math.inf`.

# %%
import math


def best_distance(distances, gains):
    """A distance, or math.inf."""
    ### BEGIN SOLUTION
    d = np.asarray(distances, dtype=float)
    columns = np.stack([d, -d * np.log(d)], axis=1)
    (alpha, beta), *_ = np.linalg.lstsq(columns, np.asarray(gains, dtype=float), rcond=None)
    if beta <= 0:
        return math.inf
    return math.exp(alpha / beta - 1)  # where the derivative, α − β ln d − β, is 0
    ### END SOLUTION


# %%
check("06.6", best_distance)

# %% [markdown]
# Off the leash, with both reward models, recorded:

# %%
from llama_course.evaluation.leash_runs import distances as distances_of
from llama_course.evaluation.leash_runs import of_plan, recorded_leash_runs

for run in of_plan(recorded_leash_runs(), "both reward models"):
    d, gains = zip(*distances_of([run]), strict=True)
    early = len(d) // 3
    print(f"seed {run.seed}: from the first third {best_distance(d[:early], gains[:early]):.2g}, "
          f"from all {best_distance(d, gains):.2g}; the run went to {max(d):.2g}")  # fmt: skip

# %% [markdown]
# ## What you can now do
#
# - say what accuracy a reward model could reach, before blaming it
# - write the losses of RLHF, and see what each of them holds back
# - tell how far it is good to go, and how little the beginning of a run says about that
