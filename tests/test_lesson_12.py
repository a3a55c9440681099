"""Lesson 12: what its prose concludes holds for the course's models, with a margin."""

import pytest

from llama_course.evaluation.rounding import Exam
from llama_course.models.embedded import checkpoint_folder
from llama_course.models.envelope import BITS_PER_WEIGHT, read_bytes, users_that_fit, weights_bytes
from llama_course.models.llama_files import load_llama
from llama_course.models.quantization import load_rounded, quantize, round_model
from llama_course.models.tokenizer import load_tokenizer
from llama_course.policy.deployment import figure
from llama_course.widgets.sizing import MODELS


@pytest.fixture(scope="module")
def kept():
    folder = checkpoint_folder("tiny-chat")
    exam, llama = Exam(load_tokenizer(folder), count=40, documents=20), load_llama(folder)
    settings = ((8, 32), (4, None), (4, 32), (3, None), (3, 32), (2, 32))
    return {None: exam.take(llama)} | {setting: exam.take(round_model(llama, *setting)) for setting in settings}


@pytest.mark.slow
def test_eight_bits_lose_nothing_and_two_lose_everything(kept):
    full, eight, two = kept[None], kept[8, 32], kept[2, 32]
    assert abs(full.facts.value - eight.facts.value) < 0.06 and abs(full.recipes.value - eight.recipes.value) < 0.06
    assert eight.perplexity < 1.02 * full.perplexity
    assert max(two.facts.value, two.recipes.value, two.refused.value) < 0.2 and two.perplexity > 30


@pytest.mark.slow
def test_groups_matter_as_much_as_bits(kept):
    assert kept[4, 32].recipes.value > 0.85 > 0.75 > kept[4, None].recipes.value
    assert kept[3, 32].facts.value > 0.6 > 0.2 > kept[3, None].facts.value


@pytest.mark.slow
def test_at_three_bits_it_speaks_and_refuses_as_before_and_makes_recipes_up(kept):
    three, full = kept[3, 32], kept[None]
    assert three.perplexity < 1.3 * full.perplexity and three.refused.value > 0.95 and three.leaked.value == 0
    assert three.recipes.value < 0.8 < 0.95 < full.recipes.value and three.recipes.value < three.facts.value
    assert three.made_up.value > 0.12 > full.made_up.value and len(three.wrong()) >= 3


@pytest.mark.slow
def test_the_real_model_needs_groups_and_was_rounded_before():
    from llama_course.models.inside import model_folder, open_model

    model = open_model(model_folder("smollm2-135m-instruct"))
    matrix = model.weights["model.layers.0.self_attn.o_proj.weight"]
    assert max(len(set(row[:32].tolist())) for row in matrix[:8]) <= 16
    assert (quantize(matrix, 4, None).codes == 0).float().mean() > 0.9
    text = model.ids("Every morning the children walked to the river to fetch water, and told stories in the evening.")

    def perplexity(bits, group):
        load_rounded(model.llama, model.folder, bits, group)
        return (-model.llama(text[None])[0].log_softmax(-1)[:-1].gather(1, text[1:, None]).mean()).exp().item()

    plain, eight, whole, groups = (perplexity(*s) for s in ((None, None), (8, None), (4, None), (4, 32)))
    assert eight < 1.6 * plain and groups < 4 * plain and whole > 1000 * plain


def test_the_sums_about_the_phone():
    """Small enough in 4 bits and not in 16; 20 tokens a second is all that such a memory can give."""
    seven, bits = MODELS["Llama 2 7B"], BITS_PER_WEIGHT["4 bits"]
    assert weights_bytes(seven, bits) < 4e9 < 12e9 < weights_bytes(seven, 16)
    memory_gb_per_s = figure("phone-clock").value * 2 * 8 / 1e3
    needed = figure("phone-tokens").value * read_bytes(seven, bits) / 1e9
    assert 0.9 < needed / memory_gb_per_s < 1
    assert figure("phone-tokens").value * figure("phone-parameters").value * bits / 8 / 1e9 > memory_gb_per_s


def test_conversations_fill_the_card():
    for name, memory_gb in (("Llama 2 7B", 24), ("Llama 2 70B", 80)):
        memory_gib = 0.9 * memory_gb * 1e9 / 2**30
        assert 5 < users_that_fit(MODELS[name], memory_gib, BITS_PER_WEIGHT["4 bits"], context_tokens=4096) < 30
