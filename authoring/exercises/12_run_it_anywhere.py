# %% [markdown]
# # Exercises 12 · Run it anywhere
#
# Six exercises for [lesson 12](../course/12_run_it_anywhere.ipynb), about 75 minutes: three on fewer bits, two on the
# back of an envelope, one on rules for a phone. Replace `raise NotImplementedError` with your code and run the check
# below it. Stuck? `hint("12.1")` gives a nudge, asked again an idea, then nearly the code. Solutions: [solutions
# 12](../solutions/12_run_it_anywhere.ipynb).

# %% tags=["first-cell"]

# %% [markdown]
# ## Exercise 12.1 · Groups
#
# **Difficulty** 2 of 4 · **Minutes** 12 · **For** the idea that makes 4 bits usable
#
# `row` is a list of numbers. Cut it into groups of `size` neighbours; the last may be shorter. In each group the step
# is the largest absolute number divided by 2^(bits−1) − 1, and a number becomes the nearest whole number of steps,
# times the step. Return the list of numbers that come back, as long as the row. A group of zeros stays zeros.

# %%


def round_in_groups(row, bits, size):
    """A list as long as the row."""
    ### BEGIN SOLUTION
    back = []
    for start in range(0, len(row), size):
        group = row[start : start + size]
        step = max(abs(number) for number in group) / (2 ** (bits - 1) - 1)
        back += [step * round(number / step) if step else 0.0 for number in group]
    return back
    ### END SOLUTION


# %%
check("12.1", round_in_groups)

# %% [markdown]
# ## Exercise 12.2 · A smallest value
#
# **Difficulty** 2 of 4 · **Minutes** 12 · **For** reading GGUF's Q4_1, the format of the file you fetched
#
# If all numbers of a group are positive, half of the codes are never used. So keep two numbers for a group, its
# smallest value and a step: codes go from 0 to 2^bits − 1, and code · step + smallest stands for the number. Return
# three things: the list of codes (whole numbers), the step, the smallest value. Where all numbers are equal, the
# codes are 0.


# %%
def with_smallest(group, bits):
    """(codes, step, smallest)."""
    ### BEGIN SOLUTION
    smallest = min(group)
    step = (max(group) - smallest) / (2**bits - 1)
    return [round((number - smallest) / step) if step else 0 for number in group], step, smallest
    ### END SOLUTION


# %%
check("12.2", with_smallest)

# %% [markdown]
# ## Exercise 12.3 · Two in a byte
#
# **Difficulty** 2 of 4 · **Minutes** 10 · **For** saving the memory, not only the precision
#
# A byte holds a number from 0 to 255, so it holds two codes from 0 to 15: the first in its lower half (worth 1), the
# second in its upper half (worth 16). Return a `bytes` object for a list of codes; with an odd number of codes, the
# last upper half is 0. A code that does not fit into 4 bits raises a ValueError.


# %%
def pack(codes):
    """A bytes object, half as long as the list."""
    ### BEGIN SOLUTION
    if any(not 0 <= code <= 15 for code in codes):
        raise ValueError("expected codes from 0 to 15.")
    filled = [*codes, 0] if len(codes) % 2 else codes
    return bytes(low + 16 * high for low, high in zip(filled[::2], filled[1::2], strict=True))
    ### END SOLUTION


# %%
check("12.3", pack)

# %% [markdown]
# ## Exercise 12.4 · Speed on the envelope
#
# **Difficulty** 2 of 4 · **Minutes** 10 · **For** a number before anything is bought
#
# A memory delivers `gb_per_s`. In one step, which writes a token for each of `users`, the weights (`weights_gb`) are
# read once, and the cache of every user (`cache_gb` each). Return two numbers: tokens a second that each user sees at
# most, and tokens a second in all.


# %%
def envelope(gb_per_s, weights_gb, cache_gb, users):
    """(for each, in all)."""
    ### BEGIN SOLUTION
    steps_per_second = gb_per_s / (weights_gb + users * cache_gb)
    return steps_per_second, users * steps_per_second
    ### END SOLUTION


# %%
check("12.4", envelope)

# %% [markdown]
# ## Exercise 12.5 · Which card?
#
# **Difficulty** 3 of 4 · **Minutes** 15 · **For** sizing a deployment
#
# `cards` is a list of (name, memory in GB, GB/s), cheapest first. A class of `users` wants to talk to a model at the
# same time, each at `wanted` tokens a second or more. The weights take `weights_gb`, the cache of each user
# `cache_gb`. Only nine tenths of a card's memory can be used for them. Return the name of the cheapest card that is
# both large enough and fast enough by the sum of exercise 12.4, or None.


# %%
def choose_card(cards, users, wanted, weights_gb, cache_gb):
    """A name, or None."""
    ### BEGIN SOLUTION
    needed = weights_gb + users * cache_gb
    for name, memory_gb, gb_per_s in cards:
        if needed <= 0.9 * memory_gb and gb_per_s / needed >= wanted:
            return name
    return None
    ### END SOLUTION


# %%
check("12.5", choose_card)

# %% [markdown]
# ## Exercise 12.6 · Rules for a phone
#
# **Difficulty** 4 of 4 · **Minutes** 20 · **For** a policy that can be kept
#
# A firm puts a Llama into an app that runs without a network, for pupils of twelve and older. Its lawyers copied five
# rules from the firm's online service. For each say `who` can keep it on the phone (one of "model", "app", "user",
# "nobody") and in a sentence of at least eight words `how`, or what should stand there instead.

# %%
RULES = {
    "log": "We check all conversations for abuse.",
    "ban": "Who breaks the rules loses access.",
    "refuse": "Dangerous requests are refused.",
    "disclose": "Users are told what the system is, and that it makes mistakes.",
    "recall": "A faulty model is replaced for everybody within a day.",
}
for name, rule in RULES.items():
    print(f"{name:9} {rule}")

# %% [markdown]
# Return a dictionary from the five names to pairs (who, how). The check looks at the form, and at two answers on
# which there is little doubt; for the rest, compare with a neighbour. Your teacher has a rubric.


# %%
def rules_for_a_phone():
    """A dictionary of five pairs."""
    ### BEGIN SOLUTION
    return {
        "log": ("nobody", "Nothing leaves the phone; offer a button that sends one conversation, if wanted."),
        "ban": ("nobody", "There is no account and the file stays; say which uses end support and licence."),
        "refuse": ("model", "What it learned to refuse it refuses here too; test that after rounding it."),
        "disclose": ("app", "The first screen says what it is and that it errs, and answers are marked."),
        "recall": ("user", "An update can be offered, and only those who install it are helped by it."),
    }
    ### END SOLUTION


# %%
check("12.6", rules_for_a_phone)

# %% [markdown]
# ## What you can now do
#
# - round in groups, with and without a smallest value, and pack codes into bytes
# - work out memory and speed of a deployment before paying for it
# - tell a rule that can be kept on a phone from one that cannot
