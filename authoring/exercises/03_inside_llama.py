# %% [markdown]
# # Exercises 03 · Inside Llama 2
#
# Six exercises for [lesson 03](../course/03_inside_llama.ipynb), about an hour. Replace `raise NotImplementedError`
# with your code and run the check below it. Stuck? `hint("03.1")` gives a nudge, asked again an idea, then nearly the
# code. Solutions: [solutions 03](../solutions/03_inside_llama.ipynb).

# %% tags=["first-cell"]

# %% [markdown]
# ## Exercise 03.1 · RMSNorm in 16 bits
#
# **Difficulty** 2 of 4 · **Minutes** 8 · **For** the one line of a Llama in which the kind of number matters
#
# Released weights are often used as 16-bit numbers, and float16 ends at 65,504: the square of 300 is infinity. Write
# RMSNorm so that it computes in float32 inside and returns what it was given: float16 for float16.

# %%
import torch


def rms_norm(x, factors, eps):
    """factors · x / √(mean of x² over the last dimension + eps); shape and dtype of x, (T, D)."""
    ### BEGIN SOLUTION
    x32 = x.float()
    normed = x32 / torch.sqrt((x32 * x32).mean(-1, keepdim=True) + eps)
    return (factors.float() * normed).to(x.dtype)
    ### END SOLUTION


# %%
check("03.1", rms_norm)

# %% [markdown]
# ## Exercise 03.2 · How many numbers?
#
# **Difficulty** 2 of 4 · **Minutes** 8 · **For** reading the size of a model off its config.json
#
# Count the numbers of a Llama from its `config`, a dictionary as in config.json. Llama 2 has an array each for
# `embed_tokens` and `lm_head`; where `tie_word_embeddings` is true, one array serves as both.

# %%
config = {
    "vocab_size": 49152,
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "tie_word_embeddings": True,
}


def count_numbers(config):
    """The numbers in all arrays of the model together."""
    ### BEGIN SOLUTION
    width = config["hidden_size"]
    keys = width // config["num_attention_heads"] * config["num_key_value_heads"]
    layer = 2 * width * width + 2 * width * keys  # q and o, k and v
    layer += 3 * width * config["intermediate_size"]  # gate, up, down
    layer += 2 * width  # the norms
    vocabulary = config["vocab_size"] * width
    return config["num_hidden_layers"] * layer + vocabulary * (1 if config["tie_word_embeddings"] else 2) + width
    ### END SOLUTION


# %%
check("03.2", count_numbers)

# %% [markdown]
# ## Exercise 03.3 · How long may they talk?
#
# **Difficulty** 2 of 4 · **Minutes** 8 · **For** telling what a graphics card can serve
#
# A card holds the weights once, and the KV cache of each user. How many tokens can each of `users` have in the cache,
# if all have equally many? Weights and cache both take 2 bytes for a number; 1 GiB is 2³⁰ bytes. Return a whole number;
# 0 where not even the weights fit.


# %%
def tokens_for_each(config, numbers, memory_gib, users):
    """Tokens for each user; ``numbers`` is how many numbers the weights are."""
    ### BEGIN SOLUTION
    head_dim = config["hidden_size"] // config["num_attention_heads"]
    for_a_token = 2 * config["num_hidden_layers"] * config["num_key_value_heads"] * head_dim * 2
    free = memory_gib * 2**30 - 2 * numbers
    return max(0, int(free // (for_a_token * users)))
    ### END SOLUTION


# %%
check("03.3", tokens_for_each)

# %% [markdown]
# ## Exercise 03.4 · Turn neighbours
#
# **Difficulty** 3 of 4 · **Minutes** 12 · **For** reading Meta's own code, which pairs the numbers in this way
#
# Write RoPE for rows in Meta's order: numbers 0 and 1 are a pair, 2 and 3, and so on. Pair i at position p is turned by
# the angle p · theta^(−2i / head_dim): a, b becomes a cos − b sin, b cos + a sin. Leave every number in its place.


# %%
def rotate_neighbours(x, theta):
    """x of shape (T, head_dim), row p at position p, turned; the same shape."""
    ### BEGIN SOLUTION
    T, head_dim = x.shape
    speeds = theta ** (-torch.arange(0, head_dim, 2) / head_dim)
    angles = torch.outer(torch.arange(T).float(), speeds)  # (T, head_dim/2)
    a, b = x[:, 0::2], x[:, 1::2]
    turned = torch.stack([a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()], dim=-1)
    return turned.flatten(-2)
    ### END SOLUTION


# %%
check("03.4", rotate_neighbours)

# %% [markdown]
# ## Exercise 03.5 · Out of Meta's order
#
# **Difficulty** 3 of 4 · **Minutes** 10 · **For** the permutation whose absence nobody notices at once
#
# A `q_proj` or `k_proj` in Meta's order holds the pairs of each head as neighbours: a0 b0 a1 b1 a2 b2. Reorder its rows
# as transformers expects them: a0 a1 a2 b0 b1 b2, head by head. Columns stay as they are.


# %%
def out_of_metas_order(weight, heads):
    """The rows of weight, shape (heads · head_dim, D), in the other order; the same shape."""
    ### BEGIN SOLUTION
    rows, width = weight.shape
    pairs = weight.reshape(heads, rows // heads // 2, 2, width)  # (heads, pairs, a or b, D)
    return pairs.transpose(1, 2).reshape(rows, width)
    ### END SOLUTION


# %%
check("03.5", out_of_metas_order)

# %% [markdown] tags=["solution-only"]
# `transpose` swaps "which pair" and "a or b". The same line with `heads, 2, rows // heads // 2` in the first `reshape`
# goes the other way.

# %% [markdown]
# ## Exercise 03.6 · Attention with a cache
#
# **Difficulty** 4 of 4 · **Minutes** 15 · **For** the step that a chat program takes for every token
#
# S tokens are in sight, the last T of them new. Queries come from the new ones only, keys and values from all. H query
# heads share K keys and values: heads 0 to H/K − 1 use the first, the next group the second. New token i stands at
# position S − T + i and sees itself and what is before it.


# %%
def attend(q, k, v):
    """q of shape (H, T, d), k and v of shape (K, S, d); what each head takes, (H, T, d)."""
    ### BEGIN SOLUTION
    (H, T, d), (K, S, _) = q.shape, k.shape
    k, v = k.repeat_interleave(H // K, 0), v.repeat_interleave(H // K, 0)  # (H, S, d)
    later = torch.ones(T, S, dtype=torch.bool).triu(S - T + 1)
    scores = (q @ k.transpose(1, 2) / d**0.5).masked_fill(later, -torch.inf)  # (H, T, S)
    return scores.softmax(-1) @ v
    ### END SOLUTION


# %%
check("03.6", attend)

# %% [markdown]
# ## What you can now do
#
# - count the numbers of a Llama and the tokens that a card has room for
# - write the two parts of attention that go wrong without a word: the order of the pairs, and who sees whom
