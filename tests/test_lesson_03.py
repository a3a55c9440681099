"""Lesson 03: the functions that a learner reads in it are right, and what its prose concludes holds beyond its run."""

import ast
import contextlib
import dataclasses
import io
import json
import types
from pathlib import Path

import numpy as np
import pytest
import torch

from llama_course.evaluation.perplexity import perplexity
from llama_course.learning import lesson_03
from llama_course.learning.checks import CheckFailed
from llama_course.models import inside, llama

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "course" / "03_inside_llama.ipynb"
SEEDS = range(5)
CONFIG = llama.LlamaConfig(97, 48, 71, 3, 6, 2, 64, rope_theta=100.0)
OTHERS = [
    CONFIG,
    dataclasses.replace(CONFIG, num_key_value_heads=6, tie_word_embeddings=True),
    dataclasses.replace(CONFIG, num_key_value_heads=1, rms_norm_eps=1e-3),
]


@pytest.fixture(scope="module")
def lesson():
    """The functions of the built lesson, and nothing else of it."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(c["source"]) for c in cells[2:] if c["cell_type"] == "code")
    functions = [node for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)]
    names = {"torch": torch, "llama": llama, "perplexity": perplexity}
    exec(compile(ast.Module(functions, []), NOTEBOOK.name, "exec"), names)
    return types.SimpleNamespace(**names)


@pytest.fixture(autouse=True)
def without_gradients():
    with torch.no_grad():
        yield


def make(config, seed):
    torch.manual_seed(seed)
    model = llama.Llama(config).eval()
    for name, weight in model.named_parameters():
        weight.uniform_(0.5, 1.5) if "norm" in name else weight.normal_(std=0.1)
    return model, torch.randint(config.vocab_size, (24,))


def largest_difference(code, model, ids):
    theirs = inside.transformers_twin(model)(ids[None]).logits[0]
    return float((code(ids, dict(model.state_dict()), model.config) - theirs).abs().max())


# -- the functions of the lesson ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("config", OTHERS)
def test_the_lessons_llama_equals_transformers(lesson, config, seed):
    assert largest_difference(lesson.my_llama, *make(config, seed)) < 1e-4


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("change", ["norm_after", "forgotten"])
def test_a_changed_line_breaks_the_equality_and_raises_nothing(lesson, change, seed):
    def changed(ids, weights, config):
        return lesson.my_llama(ids, weights, config, getattr(lesson, change))

    assert largest_difference(changed, *make(CONFIG, seed)) > 0.1


@pytest.mark.parametrize("seed", SEEDS)
def test_the_reordering_mends_it(lesson, seed):
    def mended(ids, weights, config):
        return lesson.my_llama(ids, weights, config, lesson.remembered)

    assert largest_difference(mended, *make(CONFIG, seed)) < 1e-4


@pytest.mark.parametrize("seed", SEEDS)
def test_after_the_turn_only_the_distance_counts(lesson, seed):
    torch.manual_seed(seed)
    a, b = (lesson.rotate(row, CONFIG) for row in torch.randn(2, 1, CONFIG.head_dim).expand(-1, 20, -1))
    for distance in (0, 1, 3, 8):
        found = torch.stack([a[place] @ b[place - distance] for place in range(distance, 20)])
        torch.testing.assert_close(found, found[:1].expand_as(found), atol=1e-4, rtol=1e-4)
    assert abs(a[9] @ b[8] - a[9] @ b[2]) > 1e-3


@pytest.mark.parametrize("config", [llama.LLAMA_2_7B, llama.LLAMA_2_13B, llama.LLAMA_2_70B, CONFIG])
def test_the_count_by_part_is_that_of_the_arrays(lesson, config):
    counts = lesson.count_by_part(config)
    named = {"attention": "self_attn", "feed-forward": "mlp", "norms": "norm"}
    for part, count in counts.items():
        word = named.get(part)
        arrays = inside.array_shapes(config).items()
        mine = [
            shape for name, shape in arrays if (word in name if word else not any(w in name for w in named.values()))
        ]
        assert count == sum(np.prod(shape) for shape in mine), part


def test_the_published_counts(lesson):
    counts = [sum(lesson.count_by_part(c).values()) for c in (llama.LLAMA_2_7B, llama.LLAMA_2_13B, llama.LLAMA_2_70B)]
    assert counts == [6_738_415_616, 13_015_864_320, 68_976_648_192]


def test_feed_forward_holds_most_and_more_in_the_larger_models(lesson):
    shares = []
    for config in (llama.LLAMA_2_7B, llama.LLAMA_2_13B, llama.LLAMA_2_70B):
        counts = lesson.count_by_part(config)
        assert max(counts, key=counts.get) == "feed-forward"
        shares.append(counts["feed-forward"] / sum(counts.values()))
    assert shares == sorted(shares) and shares[0] > 0.6


@pytest.mark.parametrize("config", OTHERS)
def test_the_cache_formula_is_the_librarys_cache(lesson, config):
    cache = llama.KVCache(llama.Llama(config), 1, 10)
    assert sum(array.nbytes for array in cache.keys + cache.values) == 10 * lesson.cache_bytes(config, 4)


def test_the_largest_llama_needs_the_smallest_cache(lesson):
    sizes = {c: lesson.cache_bytes(c) for c in (llama.LLAMA_2_7B, llama.LLAMA_2_13B, llama.LLAMA_2_70B)}
    assert min(sizes, key=sizes.get) == llama.LLAMA_2_70B
    assert [size // 1024 for size in sizes.values()] == [512, 800, 320]


# -- the real small model ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model():
    return inside.open_model()


def test_it_equals_transformers_and_the_lessons_code(lesson, model):
    ids = model.ids("The capital of France is")
    theirs = inside.transformers_twin(model.llama)(ids[None]).logits[0]
    torch.testing.assert_close(model.llama(ids[None])[0], theirs, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(lesson.my_llama(ids, model.weights, model.config), theirs, atol=1e-3, rtol=1e-3)


def test_its_tokens_are_those_of_transformers(model):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model.folder, local_files_only=True)
    for text in ("The capital of France is", " two  spaces\n123", "자유 <|im_end|> свобода"):
        theirs = tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        assert model.ids(text).tolist() == theirs and model.text(model.ids(text)) == text


def test_its_file_holds_no_word(model):
    data = (model.folder / "model.safetensors").read_bytes()
    for word in (b"Paris", b"France", b"llama"):
        assert word not in data


STORY = (
    "Llamas live in herds. Their wool is soft, and they can carry about a quarter of their own weight. When a llama "
    "has too much on its back, it lies down and does not get up until somebody takes some of the load away."
)


def test_the_first_change_makes_noise_and_the_second_goes_unnoticed(lesson, model):
    def answer(one_layer):
        ids = model.ids("The capital of France is")
        return lesson.my_llama(ids, model.weights, model.config, one_layer)[-1].softmax(-1)

    def surprise(one_layer):
        ids = model.ids(STORY)
        logits = lesson.my_llama(ids, model.weights, model.config, one_layer)
        return perplexity(logits.log_softmax(-1)[:-1].gather(1, ids[1:, None]).flatten().tolist())

    paris, own = int(model.ids(" Paris")[0]), surprise(lesson.layer)
    for one_layer in (lesson.layer, lesson.forgotten, lesson.remembered):
        best, second = answer(one_layer).topk(2).values
        assert answer(one_layer).argmax() == paris and best > 1.2 * second  # other processors round differently
    assert surprise(lesson.norm_after) > 1e6
    assert 2 * own < surprise(lesson.forgotten) < 100 * own
    assert surprise(lesson.remembered) == pytest.approx(own, rel=1e-3)


BEGINNINGS = ("The llama", "Yesterday the llama", "Purple llamas", "When Mary and John", "My old aunt from Spain")


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_most_heads_look_at_the_first_token_whatever_it_is(model, beginning):
    ids = model.ids(f"{beginning} looked at the camera because of the noise")
    favourite = inside.attention_weights(model.llama, ids)[:, :, -1].argmax(-1)
    assert (favourite == 0).float().mean() > 0.5


def test_the_head_of_the_lesson_looks_one_token_back(model):
    for text in ("The llama looked at the camera because it was curious.", STORY):
        shares = inside.attention_weights(model.llama, model.ids(text)[:24])[16, 0]
        assert shares.diagonal(-1).mean() > 0.6


@pytest.mark.parametrize("text", ["The capital of France is", "Once upon a", "The opposite of hot is", STORY])
def test_before_any_layer_the_model_would_repeat_the_last_word(model, text):
    ids = model.ids(text)
    assert inside.logit_lens(model.llama, ids)[0].argmax() == ids[-1]


LANDS = {"Italy": " Rome", "Japan": " Tokyo", "Russia": " Moscow", "England": " London", "Greece": " Athens"}


@pytest.mark.parametrize("land", LANDS)
def test_a_transplant_shows_the_answer_layers_before_the_lens(model, land):
    france, other = (
        inside.hidden_states(model.llama, model.ids(f"The capital of {name} is")) for name in ("France", land)
    )
    assert france.shape == other.shape
    paris, theirs = model.ids(" Paris")[0], model.ids(LANDS[land])[0]
    said = []
    for done, (state, donor) in enumerate(zip(france, other, strict=True)):
        state = torch.cat([state[:-1], donor[-1:]])
        said.append(inside.finish(model.llama, state, done)[-1])
    flips = [bool(logits[theirs] > logits[paris]) for logits in said]
    turn = flips.index(True)
    assert all(flips[turn:]) and not flips[turn - 1]
    assert turn == 24 or land != "Italy"  # the quiz says so
    lens = inside.logit_lens(model.llama, model.ids(f"The capital of {land} is"))
    seen = int((lens.argmax(-1) == theirs).nonzero()[0])
    assert seen - turn >= 3
    assert (lens[turn] > lens[turn, theirs]).sum() > 20  # at the turn the lens has the answer far down


# -- the checks --------------------------------------------------------------------------------------------------------


def as_numpy(x, factors, eps):
    return (factors * x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps)).numpy()


def sum_of_squares(x, factors, eps):
    x32 = x.float()
    return (factors * x32 / torch.sqrt((x32 * x32).sum(-1, keepdim=True) + eps)).to(x.dtype)


def stays_in_32_bits(x, factors, eps):
    return factors * x.float() / torch.sqrt((x.float() ** 2).mean(-1, keepdim=True) + eps)


def without_eps(x, factors, eps):
    x32 = x.float()
    return (factors * x32 / torch.sqrt((x32 * x32).mean(-1, keepdim=True))).to(x.dtype)


def turned(x, theta, *, exponent=-1.0, first=0):
    speeds = theta ** (exponent * torch.arange(0, x.shape[1], 2) / x.shape[1])
    angles = torch.outer(torch.arange(first, first + len(x)).float(), speeds)
    a, b = x[:, 0::2], x[:, 1::2]
    pairs = [a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()]
    return torch.stack(pairs, -1).flatten(1)


def reordered_in_place(weight, heads):
    weight.copy_(llama.half_split_layout(weight, heads))
    return weight


def without_mask(q, k, v):
    group = len(q) // len(k)
    k, v = k.repeat_interleave(group, 0), v.repeat_interleave(group, 0)
    return (q @ k.transpose(1, 2) / q.shape[-1] ** 0.5).softmax(-1) @ v


MORE_MISTAKES = [
    (lesson_03.check_03_1, as_numpy, "expected Tensor, got ndarray"),
    (lesson_03.check_03_1, sum_of_squares, "the squares were added up"),
    (lesson_03.check_03_1, stays_in_32_bits, "must be float16"),
    (lesson_03.check_03_1, without_eps, "A row of zeros"),
    (lesson_03.check_03_1, 7, "expected a function"),
    (lesson_03.check_03_2, lambda config: 10**6, "The count for a config"),
    (lesson_03.check_03_2, lambda config: "many", "expected int"),
    (lesson_03.check_03_3, lambda config, numbers, memory_gib, users: 5, "The tokens for each of 4 users"),
    (lesson_03.check_03_4, lambda x, theta: turned(x, theta, exponent=1.0), "faster and faster"),
    (lesson_03.check_03_4, lambda x, theta: turned(x, theta, exponent=-0.5), "too fast"),
    (lesson_03.check_03_4, lambda x, theta: turned(x, theta, first=1), "position 0"),
    (lesson_03.check_03_4, lambda x, theta: turned(x, 50.0), "Rows of 4 numbers"),
    (lesson_03.check_03_4, lambda x, theta: x[:, ::2], "expected shape (6, 8), got (6, 4)"),
    (lesson_03.check_03_5, reordered_in_place, "was changed"),
    (
        lesson_03.check_03_5,
        lambda weight, heads: weight[[0, 2, 4, 1, 3, 5]].repeat(4, 1)[: len(weight)],
        "must be there",
    ),
    (lesson_03.check_03_6, without_mask, "lets it see position 5"),
    (lesson_03.check_03_6, lambda q, k, v: q, "A single token"),
]


@pytest.mark.parametrize(("check", "answer", "fragment"), MORE_MISTAKES)
def test_more_mistakes_get_their_own_message(check, answer, fragment):
    with pytest.raises(CheckFailed) as failure, contextlib.redirect_stdout(io.StringIO()):
        check(answer)
    assert fragment in str(failure.value)


def test_right_answers_of_another_make_pass():
    """Solutions that share no line with ours: the library's functions and PyTorch's."""
    rms = torch.nn.functional.rms_norm

    def by_einsum(q, k, v):
        q = q.unflatten(0, (len(k), -1))  # (K, H/K, T, d)
        scores = torch.einsum("kgtd,ksd->kgts", q, k) * q.shape[-1] ** -0.5
        T, S = scores.shape[-2:]
        scores = scores + torch.full((T, S), -1e9).triu(S - T + 1)
        return torch.einsum("kgts,ksd->kgtd", scores.softmax(-1), v).flatten(0, 1)

    assert lesson_03.check_03_1(
        lambda x, factors, eps: rms(x.float(), x.shape[-1:], factors.float(), eps if eps else 1e-30).to(x.dtype)
    )
    assert lesson_03.check_03_2(
        lambda config: sum(np.prod(shape) for shape in inside.array_shapes(llama.LlamaConfig(**config)).values())
    )
    assert lesson_03.check_03_4(
        lambda x, theta: llama.rotate_interleaved(
            x,
            *(
                table[: len(x)]
                for table in llama.rope_tables(llama.LlamaConfig(9, x.shape[1], 9, 1, 1, 1, 9, 1e-5, theta))
            ),
        )
    )
    assert lesson_03.check_03_5(llama.half_split_layout)
    assert lesson_03.check_03_6(by_einsum)
