# %% [markdown]
# # Exercises 02 · Predicting text
#
# Five exercises for [lesson 02](../course/02_predicting_text.ipynb), about 45 minutes. Replace
# `raise NotImplementedError` with your code and run the check below it. Stuck? `hint("02.1")` gives a nudge, asked
# again an idea, then nearly the code. Solutions: [solutions 02](../solutions/02_predicting_text.ipynb).

# %% tags=["first-cell"]

# %% [markdown]
# ## Exercise 02.1 · Probabilities at a temperature
#
# **Difficulty** 2 of 4 · **Minutes** 10 · **For** owning the formula behind the temperature dial
#
# A model computes a number for each token, its *logit*. Turn logits into probabilities at a temperature T:
# p_i = exp(logit_i / T) / Σ_j exp(logit_j / T). Logits can be large (try 1000): exp must not overflow. Adding the
# same number to all logits changes no probability.

# %%
import numpy as np


def softmax(logits, temperature):
    """Probabilities, shape (V,), of logits of shape (V,) at a temperature above 0."""
    ### BEGIN SOLUTION
    scaled = np.asarray(logits, dtype=float) / temperature
    powers = np.exp(scaled - scaled.max())
    return powers / powers.sum()
    ### END SOLUTION


# %%
check("02.1", softmax)

# %% [markdown]
# ## Exercise 02.2 · Keep the nucleus
#
# **Difficulty** 3 of 4 · **Minutes** 10 · **For** seeing what top-p throws away
#
# Keep the most probable tokens until their probabilities add up to `top_p` or more; set the others to 0; scale what
# is left to sum to 1. The order of the tokens stays as it was.


# %%
def nucleus(probabilities, top_p):
    """Probabilities of shape (V,) in which only the nucleus is above 0."""
    ### BEGIN SOLUTION
    probabilities = np.asarray(probabilities, dtype=float)
    kept, total = np.zeros_like(probabilities), 0.0
    for i in np.argsort(-probabilities, kind="stable"):
        kept[i] = probabilities[i]
        total += probabilities[i]
        if total >= top_p:
            break
    return kept / kept.sum()
    ### END SOLUTION


# %%
check("02.2", nucleus)

# %% [markdown]
# ## Exercise 02.3 · Perplexity
#
# **Difficulty** 1 of 4 · **Minutes** 5 · **For** turning log-probabilities into "as unsure as between k tokens"
#
# Given ln p of each token, return the perplexity: exp of minus their mean.


# %%
def perplexity(log_probs):
    """A number of 1 or more, from natural logarithms of probabilities."""
    ### BEGIN SOLUTION
    return float(np.exp(-np.mean(log_probs)))
    ### END SOLUTION


# %%
check("02.3", perplexity)

# %% [markdown]
# ## Exercise 02.4 · The loop that writes
#
# **Difficulty** 2 of 4 · **Minutes** 10 · **For** writing the heart of every chatbot
#
# `predict(token_ids)` gives the probabilities of the next token after a list of token ids. Continue `token_ids`
# greedily: take the most probable token, append it, ask again. Stop after `max_new_tokens`, or when the chosen token
# is `end_id`, which is not part of the text. Return the new tokens only, and leave the caller's list as it was.


# %%
def generate(predict, token_ids, max_new_tokens, end_id):
    """A list of the new token ids."""
    ### BEGIN SOLUTION
    new = []
    while len(new) < max_new_tokens:
        best = int(np.argmax(predict([*token_ids, *new])))
        if best == end_id:
            break
        new.append(best)
    return new
    ### END SOLUTION


# %%
check("02.4", generate)

# %% [markdown]
# ## Exercise 02.5 · A falsehood the model prefers
#
# **Difficulty** 2 of 4 · **Minutes** 10 · **For** meeting the limit of fluency yourself
#
# Find a beginning with a true and a false ending, about equally long, where the model gives the *false* one clearly
# the higher probability; not one of the lesson's. Endings begin with a space. Measure your ideas as below; the check
# measures the same, but it cannot know what is true: that part is yours, as it is with every answer of a model.

# %%
from llama_course.evaluation.endings import ending_probability

model = load_model()


def preference(idea):
    """How many times as probable the false ending is as the true one."""
    beginning, true, false = idea
    return ending_probability(model, beginning, false) / ending_probability(model, beginning, true)


print(preference(("The capital of Canada is", " Ottawa.", " Toronto.")))


# %%
def my_falsehood():
    """A beginning, its true ending and its false ending."""
    ### BEGIN SOLUTION
    ideas = [
        ("The capital of Turkey is", " Ankara.", " Istanbul."),
        ("The capital of Kazakhstan is", " Astana.", " Almaty."),
        ("The capital of Pakistan is", " Islamabad.", " Karachi."),
        ("The capital of New Zealand is", " Wellington.", " Auckland."),
        ("The longest river in Europe is the", " Volga.", " Danube."),
    ]
    return max(ideas, key=preference)
    ### END SOLUTION


# %%
check("02.5", my_falsehood)

# %% [markdown] tags=["solution-only"]
# One idea is seldom enough, so the solution lets the model choose among five. A likely reason where it takes Almaty:
# that was the capital of Kazakhstan until 1997, and what was written while it was true is still read. Other families to
# try: widespread myths, inventions that carry the wrong name.

# %% [markdown]
# ## What you can now do
#
# - write the sampling step and the generation loop of a language model
# - measure what a model expects, and keep it apart from what is true
