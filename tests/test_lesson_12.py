"""Lesson 12: what its prose concludes holds for the course's models, with a margin."""

import pytest

from llama_course.evaluation.rounding import Exam
from llama_course.learning import lesson_12
from llama_course.learning.checks import CheckFailed
from llama_course.models.embedded import checkpoint_folder
from llama_course.models.envelope import BITS_PER_WEIGHT, read_bytes, serving_memory, users_that_fit, weights_bytes
from llama_course.models.llama_files import load_llama
from llama_course.models.quantization import load_rounded, quantize, round_model
from llama_course.models.tokenizer import load_tokenizer
from llama_course.policy.deployment import devices, figure
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
def test_rounding_takes_refusals_away_only_with_nearly_everything(kept):
    gone = [one for one in kept.values() if one.refused.value < 0.5]
    assert gone and all(max(one.facts.value, one.recipes.value) < 0.1 for one in gone)


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


def test_conversations_take_more_than_the_7b_and_less_each_with_the_70b():
    """What the two lines of section 4 show, and the prose under them."""
    bits, needs = BITS_PER_WEIGHT["4 bits"], {}
    for name, card in (("Llama 2 7B", devices()["rtx-4090"]), ("Llama 2 70B", devices()["a100"])):
        users = users_that_fit(MODELS[name], 0.9 * card.memory_gb * 1e9 / 2**30, bits, context_tokens=4096)
        assert 5 < users < 30
        needs[name] = serving_memory(MODELS[name], bits, context_tokens=4096, users=users), users
    (seven, few), (seventy, many) = needs.values()
    assert seven.cache_bytes > 4 * seven.weights_bytes and seventy.cache_bytes < seventy.weights_bytes
    assert seventy.cache_bytes / many < 0.7 * seven.cache_bytes / few


# -- more first tries than the three planted for each exercise ---------------------------------------------------------


def in_groups(step_of, whole=round):
    def round_in_groups(row, bits, size):
        groups = [row[start : start + size] for start in range(0, len(row), size)]
        steps = [step_of(group, bits) for group in groups]
        return [
            step * whole(number / step) if step else 0.0
            for group, step in zip(groups, steps, strict=True)
            for number in group
        ]

    return round_in_groups


def divides_by_nought(row, bits, size):
    groups = [row[start : start + size] for start in range(0, len(row), size)]
    steps = [max(map(abs, group)) / (2 ** (bits - 1) - 1) for group in groups]
    return [step * round(number / step) for group, step in zip(groups, steps, strict=True) for number in group]


def with_smallest(whole=round, steps=None, answer=lambda codes, step, smallest: (codes, step, smallest), careful=True):
    def made(group, bits):
        step = (max(group) - min(group)) / (steps or 2**bits - 1)
        codes = [whole((number - min(group)) / step) if step or not careful else 0 for number in group]
        return answer(codes, step, min(group))

    return made


def leaves_it_to_bytes(codes):
    filled = [*codes, 0] if len(codes) % 2 else codes
    return bytes(a + 16 * b for a, b in zip(filled[::2], filled[1::2], strict=True))


def first_card(is_fast_enough):
    def choose_card(cards, users, wanted, weights_gb, cache_gb):
        needed = weights_gb + users * cache_gb
        fitting = ((name, speed / needed) for name, memory, speed in cards if needed <= 0.9 * memory)
        return next((name for name, speed in fitting if is_fast_enough(speed, wanted, users)), None)

    return choose_card


FIRST_TRIES = [
    ("1", in_groups(lambda group, bits: max(map(abs, group)) / (2 ** (bits - 1) - 1), int), "take the nearest number"),
    ("1", in_groups(lambda group, bits: max(group) / (2 ** (bits - 1) - 1)), "without its sign"),
    ("1", in_groups(lambda group, bits: max(map(abs, group)) / 7), "so many steps are those of 4 bits"),
    ("1", divides_by_nought, "a group of zeros has a step of 0"),
    ("2", with_smallest(whole=int), "take the nearest code"),
    ("2", with_smallest(steps=15), "the last code, 3; yours go from 0 to 15"),
    ("2", with_smallest(careful=False), "where all numbers are equal the step is 0"),
    ("2", with_smallest(answer=lambda codes, step, smallest: (step, smallest, codes)), "the codes, the first of"),
    ("2", with_smallest(answer=lambda codes, step, smallest: (codes, f"{step}", smallest)), "the step is a number"),
    ("3", leaves_it_to_bytes, "as in [16, 3], must raise ValueError"),
    ("5", first_card(lambda speed, wanted, users: speed > wanted), "exactly what is wanted is fast enough"),
    ("5", first_card(lambda speed, wanted, users: speed >= users * wanted), "is not multiplied by the users"),
]


@pytest.mark.parametrize(("number", "answer", "fragment"), FIRST_TRIES)
def test_a_wrong_first_try_is_told_what_is_wrong_with_it(number, answer, fragment):
    with pytest.raises(CheckFailed) as told:
        getattr(lesson_12, f"check_12_{number}")(answer)
    assert fragment in str(told.value)
