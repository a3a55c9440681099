"""Typical mistakes in the exercises of lesson 03: (exercise, wrong answer, words that only this mistake is told)."""

import torch

# -- 03.1 --------------------------------------------------------------------------------------------------------------


def norm_that_overflows(x, factors, eps):
    return factors * x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps)


def norm_that_centres(x, factors, eps):
    x32 = x.float() - x.float().mean(-1, keepdim=True)
    return (factors * x32 / torch.sqrt((x32 * x32).mean(-1, keepdim=True) + eps)).to(x.dtype)


def norm_of_the_whole(x, factors, eps):
    x32 = x.float()
    return (factors * x32 / torch.sqrt((x32 * x32).mean() + eps)).to(x.dtype)


# -- 03.2 --------------------------------------------------------------------------------------------------------------


def count(config, *, shared_heads=True, matrices=3, tied=True):
    width = config["hidden_size"]
    keys = width // config["num_attention_heads"] * config["num_key_value_heads"] if shared_heads else width
    layer = 2 * width * width + 2 * width * keys + matrices * width * config["intermediate_size"] + 2 * width
    vocabulary = config["vocab_size"] * width
    arrays = 1 if tied and config["tie_word_embeddings"] else 2
    return config["num_hidden_layers"] * layer + arrays * vocabulary + width


# -- 03.3 --------------------------------------------------------------------------------------------------------------


def tokens(config, numbers, memory_gib, users, *, heads="num_key_value_heads", floor=True, weights=True):
    head_dim = config["hidden_size"] // config["num_attention_heads"]
    one = 2 * config["num_hidden_layers"] * config[heads] * head_dim * 2
    found = int((memory_gib * 2**30 - (2 * numbers if weights else 0)) // (one * users))
    return max(0, found) if floor else found


# -- 03.4 --------------------------------------------------------------------------------------------------------------


def angles(x, theta):
    speeds = theta ** (-torch.arange(0, x.shape[1], 2) / x.shape[1])
    return torch.outer(torch.arange(len(x)).float(), speeds)


def rotate_halves(x, theta):
    turn, half = angles(x, theta), x.shape[1] // 2
    a, b = x[:, :half], x[:, half:]
    return torch.cat([a * turn.cos() - b * turn.sin(), b * turn.cos() + a * turn.sin()], 1)


def rotate_backwards(x, theta):
    turn, a, b = angles(x, theta), x[:, 0::2], x[:, 1::2]
    return torch.stack([a * turn.cos() + b * turn.sin(), b * turn.cos() - a * turn.sin()], -1).flatten(1)


def rotate_and_sort(x, theta):
    turn, a, b = angles(x, theta), x[:, 0::2], x[:, 1::2]
    return torch.cat([a * turn.cos() - b * turn.sin(), b * turn.cos() + a * turn.sin()], 1)


# -- 03.5 --------------------------------------------------------------------------------------------------------------


def into_metas_order(weight, heads):
    return weight.unflatten(0, (heads, 2, -1)).transpose(1, 2).flatten(0, 2)


def across_heads(weight, heads):
    return torch.cat([weight[0::2], weight[1::2]])


def in_place_but_unmoved(weight, heads):
    return weight.reshape(heads, -1, 2, weight.shape[1]).reshape(weight.shape)


# -- 03.6 --------------------------------------------------------------------------------------------------------------


def attend(q, k, v, *, shift=True, interleave=True, scale=True):
    (H, T, d), (K, S, _) = q.shape, k.shape
    if interleave:
        k, v = k.repeat_interleave(H // K, 0), v.repeat_interleave(H // K, 0)
    else:
        k, v = k.repeat(H // K, 1, 1), v.repeat(H // K, 1, 1)
    later = torch.ones(T, S, dtype=torch.bool).triu((S - T if shift else 0) + 1)
    scores = q @ k.transpose(1, 2) / (d**0.5 if scale else 1)
    return scores.masked_fill(later, -torch.inf).softmax(-1) @ v


MISTAKES = [
    ("03.1", norm_that_overflows, "the squares overflow"),
    ("03.1", norm_that_centres, "subtract nothing"),
    ("03.1", norm_of_the_whole, "all rows together have size 1"),
    ("03.2", lambda config: count(config, shared_heads=False), "smaller than q_proj"),
    ("03.2", lambda config: count(config, matrices=2), "feed-forward has three arrays"),
    ("03.2", lambda config: count(config, tied=False), "count it once"),
    ("03.3", lambda *a: tokens(*a, heads="num_attention_heads"), "not one for each query head"),
    ("03.3", lambda *a: tokens(*a, weights=False), "the weights take their part of the memory first"),
    ("03.3", lambda *a: tokens(*a, floor=False), "a negative number of tokens"),
    ("03.4", rotate_halves, "Here neighbours are a pair"),
    ("03.4", rotate_backwards, "the wrong way round"),
    ("03.4", rotate_and_sort, "all a's before all b's"),
    ("03.5", into_metas_order, "the way into Meta's order"),
    ("03.5", across_heads, "from one head to another"),
    ("03.5", in_place_but_unmoved, "no row was moved"),
    ("03.6", lambda q, k, v: attend(q, k, v, shift=False), "where does the first of them stand"),
    ("03.6", lambda q, k, v: attend(q, k, v, interleave=False), "the wrong query heads share"),
    ("03.6", lambda q, k, v: attend(q, k, v, scale=False), "divide the scores by √d, the root"),
]
