"""Checks of the exercises of lesson 03, inside Llama 2."""

import numpy as np

from llama_course.learning.checks import (
    exercise,
    expect,
    expect_close,
    expect_equal,
    expect_function,
    expect_type,
)

# Sizes that are all different: who mixes two of them up gets another number.
SMALL = {
    "vocab_size": 53,
    "hidden_size": 48,
    "intermediate_size": 71,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "tie_word_embeddings": False,
}
NEARLY = {"rtol": 1e-3, "atol": 1e-4}
GROUPS = (
    "the wrong query heads share a key and a value: heads 0 to H/K − 1 use the first, the next H/K the second. "
    "repeat_interleave does that; repeat deals them out in turn"
)


@exercise("03.1", title="RMSNorm in 16 bits", difficulty=2, minutes=8)
def check_03_1(rms_norm):
    import torch

    expect_function(rms_norm, "x, factors, eps")
    x = torch.tensor([[3.0, -4.0, 0.0, 12.0], [1.0, 1.0, 1.0, 2.0]])
    got = rms_norm(x.clone(), torch.ones(4), 0.0)
    _expect_tensor(got, (2, 4), "the result for x of shape (2, 4)")
    got = got.float()
    size = (got**2).mean(-1).sqrt()
    expect(
        got.mean(-1).abs().max() > 1e-3,
        "your rows have mean 0. RMSNorm only scales a row, it does not move it: subtract nothing.",
    )
    expect(
        (size - 0.5).abs().max() > 1e-3,
        "the squares were added up; RMSNorm takes their mean, so that the length of a row does not matter.",
    )
    together = (got**2).mean().sqrt()
    expect(
        abs(together - 1) > 1e-3 or abs(size[0] - size[1]) < 1e-3,
        "all rows together have size 1, and each row should have it by itself: take the mean over the last dimension "
        "only, and keep that dimension.",
    )
    expect_close(size, [1.0, 1.0], "With factors of 1, the root of the mean square of each row")
    expect_close(got / got[:, :1], x / x[:, :1], "The proportions within a row, which must stay")
    factors = torch.tensor([1.0, 2.0, -3.0, 0.5])
    expect_close(rms_norm(x, factors, 0.0), got * factors, "With other factors, each column times its factor")
    nothing = rms_norm(torch.zeros(1, 4), torch.ones(4), 1e-5)
    expect_close(nothing, [[0.0] * 4], "A row of zeros, where eps under the root avoids a division by 0")
    half = rms_norm((100 * x).half(), torch.ones(4).half(), 1e-5)
    _expect_tensor(half, (2, 4), "the result for float16")
    expect(
        torch.isfinite(half).all() and half[0, 3] != 0,
        "with numbers such as 300 in float16 the squares overflow: compute in float32 inside.",
    )
    expect(
        half.dtype == torch.float16,
        f"for x in float16 the result must be float16, got {half.dtype}: the next step expects what came in.",
    )
    expect_close(half, got, "In float16, the same up to its precision", rtol=2e-3, atol=2e-3)
    return "every row comes to size 1, the factors work, and 16 bits do not overflow."


@exercise("03.2", title="How many numbers?", difficulty=2, minutes=8)
def check_03_2(count_numbers):
    expect_function(count_numbers, "config")
    got = count_numbers(dict(SMALL))
    expect_type(got, (int, np.integer), "the count")
    right = _count_arrays(SMALL)
    width, layers, inner = SMALL["hidden_size"], SMALL["num_hidden_layers"], SMALL["intermediate_size"]
    keys = width // SMALL["num_attention_heads"] * SMALL["num_key_value_heads"]
    mistakes = [
        (
            right + 2 * layers * width * (width - keys),
            "k_proj and v_proj make rows for num_key_value_heads heads, so they are smaller than q_proj",
        ),
        (right - SMALL["vocab_size"] * width, "embed_tokens and lm_head are two arrays here"),
        (right - layers * width * inner, "feed-forward has three arrays: gate, up and down"),
        (right - width, "there is one more norm, after the last layer"),
        (right - 2 * layers * width, "the norms have factors, too: there are two norms in each layer"),
        (right - (2 * layers + 1) * width, "the norms have factors, too: two norms in each layer and one at the end"),
        (right - layers * width * width, "attention has o_proj as well, as large as q_proj"),
    ]
    expect_equal(int(got), right, "The count for a config whose sizes are all different", mistakes)
    tied = {**SMALL, "tie_word_embeddings": True}
    expect_equal(
        int(count_numbers(dict(tied))),
        _count_arrays(tied),
        "The count with tie_word_embeddings",
        [(right, "embed_tokens and lm_head are one array then: count it once")],
    )
    return "right with shared and with separate embeddings. Try it on the sizes of Llama 2."


def _count_arrays(config: dict) -> int:
    """The oracle: the arrays of the library's model, with no formula in it."""
    from llama_course.models.inside import array_shapes
    from llama_course.models.llama import LlamaConfig

    return sum(int(np.prod(shape)) for shape in array_shapes(LlamaConfig(**config)).values())


@exercise("03.3", title="How long may they talk?", difficulty=2, minutes=8)
def check_03_3(tokens_for_each):
    expect_function(tokens_for_each, "config, numbers, memory_gib, users")
    count, one = 10**8, _bytes_of_a_token(SMALL)
    free = 2**30 - 2 * count
    got = tokens_for_each(dict(SMALL), count, 1, 4)
    expect_type(got, (int, np.integer), "the result")
    group = SMALL["num_attention_heads"] // SMALL["num_key_value_heads"]
    mistakes = [
        (free // (one * group * 4), "the cache keeps num_key_value_heads keys and values, not one for each query head"),
        (free // (one // 2 * 4), "a factor 2 is missing: keys and values, and 2 bytes for each number"),
        (2**30 // (one * 4), "the weights take their part of the memory first"),
        ((2**30 - count) // (one * 4), "the weights take 2 bytes for a number, too"),
        (free // one, "the users share what is free: divide by them"),
        ((10**9 - 2 * count) // (one * 4), "1 GiB is 2**30 bytes, not 10**9"),
        (free // (one // SMALL["num_hidden_layers"] * 4), "every layer keeps keys and values of its own"),
    ]
    expect_equal(int(got), free // (one * 4), "The tokens for each of 4 users in 1 GiB", mistakes)
    for memory_gib, users in ((1, 1), (2, 7)):
        right = (memory_gib * 2**30 - 2 * count) // (one * users)
        got = tokens_for_each(dict(SMALL), count, memory_gib, users)
        expect_equal(int(got), right, f"The tokens for {users} users in {memory_gib} GiB")
    expect_equal(
        int(tokens_for_each(dict(SMALL), 10**9, 1, 1)),
        0,
        "The tokens where the weights alone are larger than the memory",
        [((2**30 - 2 * 10**9) // one, "a negative number of tokens makes no sense, the answer is 0")],
    )
    return "weights once, a cache for each user, and 0 where nothing fits."


def _bytes_of_a_token(config: dict) -> int:
    """The oracle: what the library's cache takes in 16 bits."""
    import torch

    from llama_course.models.llama import KVCache, Llama, LlamaConfig

    cache = KVCache(Llama(LlamaConfig(**config)).to(torch.float16), 1, 8)
    return sum(array.nbytes for array in cache.keys + cache.values) // 8


@exercise("03.4", title="Turn neighbours", difficulty=3, minutes=12)
def check_03_4(rotate_neighbours):
    import torch

    expect_function(rotate_neighbours, "x, theta")
    theta, x = 50.0, torch.randn(6, 8, generator=torch.Generator().manual_seed(0))
    got = rotate_neighbours(x.clone(), theta)
    _expect_tensor(got, (6, 8), "the result for x of shape (6, 8)")
    sorted_out = "the numbers are right, but stand in another order, all a's before all b's: leave each in its place"
    at_0 = [(torch.cat([x[0, 0::2], x[0, 1::2]]), sorted_out)]
    expect_close(got[0], x[0], "The row at position 0, turned by the angle 0", at_0, **NEARLY)
    right = _turned(x, [theta ** (-2 * i / 8) for i in range(4)])
    halves = torch.cat([x[:, :4, None], x[:, 4:, None]], -1).flatten(1)  # number i beside number i + 4
    halves = _turned(halves, [theta ** (-2 * i / 8) for i in range(4)]).view(6, 4, 2).transpose(1, 2).flatten(1)
    mistakes = [
        (halves, "number i is paired with number i + head_dim/2. Here neighbours are a pair: 0 and 1, 2 and 3"),
        (_turned(x, [-(theta ** (-2 * i / 8)) for i in range(4)]), "it is turned the wrong way round: see the signs"),
        (_turned(x, [theta ** (-i / 8) for i in range(4)]), "the hands are too fast: the exponent is −2i / head_dim"),
        (_turned(x, [theta ** (2 * i / 8) for i in range(4)]), "the hands get faster and faster: see the exponent"),
    ]
    expect_close(got, right, "The turned rows", mistakes, **NEARLY)
    other = rotate_neighbours(x[:3, :4].clone(), 7.0)
    _expect_tensor(other, (3, 4), "the result for x of shape (3, 4)")
    expect_close(other, _turned(x[:3, :4], [7.0 ** (-2 * i / 4) for i in range(2)]), "Rows of 4 numbers", **NEARLY)
    return "the same as a multiplication of complex numbers."


def _turned(x, speeds):
    """The oracle: a pair of neighbours is a complex number, and turning it is a multiplication by exp(i · angle)."""
    import torch

    angles = torch.outer(torch.arange(len(x)).float(), torch.tensor(speeds))  # (T, pairs)
    pairs = torch.view_as_complex(x.reshape(len(x), -1, 2).contiguous())
    return torch.view_as_real(pairs * torch.polar(torch.ones_like(angles), angles)).flatten(1)


@exercise("03.5", title="Out of Meta's order", difficulty=3, minutes=10)
def check_03_5(out_of_metas_order):
    import torch

    expect_function(out_of_metas_order, "weight, heads")
    one = torch.tensor([[0.0], [10.0], [1.0], [11.0], [2.0], [12.0]])  # a0 b0 a1 b1 a2 b2
    got = out_of_metas_order(one.clone(), 1)
    _expect_tensor(got, (6, 1), "the result for one head of 6 rows")
    mistakes = [
        (one.flatten().tolist(), "no row was moved"),
        ([0.0, 11.0, 10.0, 2.0, 1.0, 12.0], "this is the way into Meta's order, not out of it: pairs are neighbours in "
         "what you are given"),
    ]  # fmt: skip
    right = [0.0, 1.0, 2.0, 10.0, 11.0, 12.0]
    expect_equal(got.flatten().tolist(), right, "With 10, 11, 12 for b0, b1, b2, one head", mistakes)
    heads, D = 3, 5
    weight = torch.arange(heads * 8.0 * D).reshape(heads * 8, D)
    before = weight.clone()
    got = out_of_metas_order(weight, heads)
    _expect_tensor(got, (heads * 8, D), f"the result for {heads} heads of 8 rows")
    expect(torch.equal(weight, before), "the caller's array was changed: make a new one.")
    rows = (got[:, 0] / D).long().clamp(0, heads * 8 - 1)  # where each row came from
    expect(
        torch.equal(got, before[rows]),
        "rows must move as a whole; yours mix the columns. Let D be the last dimension of every reshape.",
    )
    expect(
        sorted(rows.tolist()) == list(range(heads * 8)),
        f"every row must be there once; of {heads * 8} rows yours keeps {len(set(rows.tolist()))}.",
    )
    expect(
        torch.equal(rows // 8, torch.arange(heads * 8) // 8),
        "rows have moved from one head to another: reorder inside each head, with a dimension for the heads in front.",
    )
    expect_close(*_pairs_turned(got, before, heads), "After the change, the pairs of each head", **NEARLY)
    return "whole rows, inside each head, and every pair is the one it was."


def _pairs_turned(ours, metas, heads: int):
    """The oracle: turning halves after the change and neighbours before it turn the same pairs."""
    import torch

    x = torch.randn(4, ours.shape[1], generator=torch.Generator().manual_seed(1))
    speeds = [100.0 ** (-2 * i / 8) for i in range(4)]
    halves = (x @ ours.T / 100).view(4, heads, 2, 4).transpose(2, 3)  # (T, heads, pairs, 2)
    neighbours = (x @ metas.T / 100).view(4, heads, 4, 2)
    return (
        torch.stack([_turned(rows[:, head].flatten(1), speeds) for head in range(heads)])
        for rows in (halves, neighbours)
    )


@exercise("03.6", title="Attention with a cache", difficulty=4, minutes=15)
def check_03_6(attend):
    import torch

    expect_function(attend, "q, k, v")
    H, K, T, S, d = 6, 2, 3, 7, 5
    draw = torch.Generator().manual_seed(2)
    q, k, v = (torch.randn(shape, generator=draw) for shape in ((H, S, d), (K, S, d), (K, S, d)))
    new = q[:, -T:]
    got = attend(new.clone(), k.clone(), v.clone())
    _expect_tensor(got, (H, T, d), f"the result for q {(H, T, d)} and k, v {(K, S, d)}")
    expect(torch.isfinite(got).all(), "some results are not numbers: does your mask hide every position from a token?")
    alone = attend(q[:, :1], k[:, :1], v[:, :1])
    expect_close(
        alone,
        v[:, :1].repeat_interleave(H // K, 0),
        "A single token, which can only take its own value",
        [(v[:, :1].repeat(H // K, 1, 1), GROUPS)],
    )
    _expect_right_sight(attend, new, k, v)
    mistakes = [
        (_attend(new, k, v, scale=1.0), "divide the scores by √d, the root of the head's size"),
        (_attend(new, k, v, scale=1 / d), "divide the scores by √d, not by d"),
    ]
    expect_close(got, _attend(new, k, v), "What the heads take", mistakes, **NEARLY)
    steps = [attend(q[:, i : i + 1], k[:, : i + 1], v[:, : i + 1]) for i in range(S)]
    expect_close(attend(q, k, v), torch.cat(steps, 1), "All tokens at once, and one after the other", **NEARLY)
    return "shared heads, nothing later in sight, and one after the other the same as all at once."


def _expect_right_sight(attend, q, k, v) -> None:
    """New token i is at S − T + i: change one value at a time, and see whom it reaches."""
    T, S = q.shape[1], k.shape[1]
    before = attend(q, k, v)
    for at in range(S):
        changed = v.clone()
        changed[:, at] += 10
        reached = (attend(q, k, changed) - before).abs().amax(dim=(0, 2)) > 1e-5  # (T,)
        for i in range(T):
            place = S - T + i
            expect(
                not reached[i] or at <= place,
                f"new token {i} stands at position {place}, and your mask lets it see position {at}.",
            )
            expect(
                reached[i] or at > place,
                f"new token {i} stands at position {place} and must see position {at}; yours does not. The new tokens "
                "are the last of those in sight: where does the first of them stand?",
            )


def _attend(q, k, v, scale: float | None = None):
    """The oracle: PyTorch's own attention, one query head at a time."""
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    (H, T, _), (K, S, _) = q.shape, k.shape
    mask = torch.arange(S) <= torch.arange(S - T, S)[:, None]  # (T, S)
    heads = [h // (H // K) for h in range(H)]
    taken = [scaled_dot_product_attention(q[[h]], k[[n]], v[[n]], mask, scale=scale) for h, n in enumerate(heads)]
    return torch.cat(taken)


def _expect_tensor(value, shape: tuple[int, ...], what: str) -> None:
    import torch

    expect_type(value, torch.Tensor, what)
    expect(tuple(value.shape) == shape, f"{what}: expected shape {shape}, got {tuple(value.shape)}.")
