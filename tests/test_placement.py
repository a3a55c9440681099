"""What a large model needs and what there is: formats, refusals, and the next smaller choice."""

import dataclasses
import sys
from types import SimpleNamespace

import pytest

from llama_course import hardware
from llama_course.hardware import GIB, Device, Fit
from llama_course.models import placement
from llama_course.models.catalog import CATALOG, find_card
from llama_course.models.interface import ModelNotAvailableError
from llama_course.models.placement import plan, sentence
from llama_course.models.sizes import shape_of

T4 = ("Tesla T4", (7, 5), 14.7)
A100 = ("NVIDIA A100-SXM4-80GB", (8, 0), 79.0)


@pytest.fixture
def computer(monkeypatch):
    """A computer with these GPUs, (title, compute capability, free GiB, all GiB) each; without, with this memory."""

    def make(*gpus, memory=(16.0, 12.0), packages=("accelerate", "bitsandbytes"), system="linux"):
        cuda = SimpleNamespace(
            is_available=lambda: bool(gpus),
            device_count=lambda: len(gpus),
            get_device_name=lambda number=0: gpus[number][0],
            get_device_capability=lambda number=0: gpus[number][1],
            mem_get_info=lambda number=0: (int(gpus[number][2] * GIB), int(gpus[number][-1] * GIB)),
        )
        mps = SimpleNamespace(is_available=lambda: system == "darwin")
        fake = SimpleNamespace(
            cuda=cuda,
            backends=SimpleNamespace(mps=mps),
            mps=SimpleNamespace(recommended_max_memory=lambda: int(memory[1] * GIB)),
        )
        monkeypatch.setitem(sys.modules, "torch", fake)
        monkeypatch.setattr(sys, "platform", system)
        monkeypatch.setattr(hardware.platform, "machine", lambda: "arm64" if system == "darwin" else "x86_64")
        monkeypatch.setattr(hardware, "_may_have_nvidia", lambda: bool(gpus))
        monkeypatch.setattr(hardware, "memory_gib", lambda: memory)
        found = {name: object() for name in packages}
        monkeypatch.setattr(hardware.importlib.util, "find_spec", lambda name: found.get(name))

    return make


def planned(name, context=None, bits=None) -> Fit:
    return plan(find_card(name), None, context, bits)


def test_a_t4_takes_llama_2_7b_in_4_bit_and_float16(computer):
    computer(T4)
    fit = planned("llama-2-7b-chat")
    assert (fit.bits, fit.device.name, fit.device.dtype, fit.gpus) == (4, "cuda", "float16", 1)
    assert "no bfloat16" in fit.device.reason
    assert sentence(find_card("llama-2-7b-chat"), fit) == (
        "llama-2-7b-chat needs 6.4 GiB, and Tesla T4 has 14.7 GiB free: loading it in 4-bit, computing in float16."
    )


def test_a_shorter_context_needs_less(computer):
    computer(T4)
    assert planned("llama-2-7b-chat", 1024).needed_gib < planned("llama-2-7b-chat", 4096).needed_gib - 1


@pytest.mark.parametrize(
    ("name", "gpus", "bits", "spread"),
    [
        ("tinyllama-1.1b-chat", [T4], 16, 1),
        ("llama-2-13b-chat", [T4], 4, 1),
        ("llama-2-13b-chat", [T4, T4], 4, 1),  # 26.5 GiB of the two would not hold 28 in 16-bit
        ("llama-2-7b", [T4, T4], 16, 2),
        ("llama-2-7b-chat", [A100], 16, 1),
        ("llama-2-70b-chat", [A100], 4, 1),
        ("llama-2-70b-chat", [A100, A100], 16, 2),
    ],
)
def test_the_most_exact_format_that_fits_is_chosen(computer, name, gpus, bits, spread):
    computer(*gpus)
    fit = planned(name)
    assert (fit.bits, fit.gpus) == (bits, spread)
    assert fit.device.dtype == ("float16" if T4 in gpus else "bfloat16")
    assert fit.needed_gib <= fit.free_gib


def test_of_each_card_nine_tenths_of_what_is_free_may_be_filled(computer):
    computer(("Tesla T4", (7, 5), 10.0, 14.7), ("Tesla T4", (7, 5), 2.0, 14.7))
    assert hardware.free_memory_by_gpu() == {0: 9 * GIB, 1: int(1.8 * GIB)}


def test_bits_can_be_asked_for(computer):
    computer(A100)
    assert [planned("llama-2-7b-chat", bits=bits).bits for bits in (None, 16, 4)] == [16, 16, 4]
    with pytest.raises(ValueError, match=r"bits must be one of 16, 4 on cuda, got 32"):
        planned("llama-2-7b-chat", bits=32)


def test_a_cpu_takes_the_format_that_fits_its_memory(computer):
    fits = {}
    for free in (64.0, 20.0, 9.0):
        computer(memory=(free, free))
        fits[free] = planned("llama-2-7b-chat")
    assert {free: (fit.bits, fit.device.dtype, fit.device.name) for free, fit in fits.items()} == {
        64.0: (32, "float32", "cpu"),
        20.0: (16, "bfloat16", "cpu"),
        9.0: (4, "bfloat16", "cpu"),
    }
    assert sentence(find_card("llama-2-7b-chat"), fits[20.0]).endswith("every token reads all the weights.")


def test_apple_s_gpu_has_16_bits_only(computer):
    computer(memory=(16.0, 10.7), system="darwin")
    fit = planned("tinyllama-1.1b-chat")
    assert (fit.device.name, fit.device.dtype, fit.bits) == ("mps", "float16", 16)
    with pytest.raises(ModelNotAvailableError, match=r"needs 15.3 GiB in 16-bit, and the GPU's share") as caught:
        planned("llama-2-7b-chat")
    assert str(caught.value).endswith("load_model('tinyllama-1.1b-chat'), 2.3 GiB in 16-bit.")  # 4 bits do not fit here
    computer(memory=(20.0, 16.5), system="darwin")
    with pytest.raises(ModelNotAvailableError, match=r"'llama-2-7b-chat', bits=16, max_context_tokens=1024\), 13.2"):
        planned("llama-2-7b-chat")
    with pytest.raises(ValueError, match=r"one of 16 on mps, got 4"):
        planned("tinyllama-1.1b-chat", bits=4)


@pytest.mark.parametrize(
    ("name", "gpus", "bits", "said", "choice"),
    [
        ("llama-2-7b-chat", [T4], 16, "15.3 GiB in 16-bit, and Tesla T4 has 14.7 GiB", "-7b-chat', bits=4), 6.4 GiB"),
        ("llama-2-70b-chat", [T4], None, "37.0 GiB in 4-bit or 131.1 GiB in 16-bit", "('llama-2-13b-chat'), 10.8 GiB"),
        ("llama-2-13b", [("GTX 1070", (6, 1), 9.5)], None, "10.8 GiB in 4-bit", "4, max_context_tokens=1024), 7.8"),
        ("llama-2-7b", [("RTX 3050", (8, 6), 3.4)], None, "6.4 GiB in 4-bit", "('tinyllama-1.1b-chat'), 2.3 GiB in"),
        ("llama-2-7b-chat", [("MX 150", (6, 1), 0.9)], None, "0.9 GiB free", "('smollm2-135m-instruct')"),
        ("llama-2-70b-chat", [T4, T4], None, "2 GPUs (Tesla T4) together has 29.4 GiB free", "('llama-2-13b-chat')"),
    ],
)  # fmt: skip
def test_too_little_memory_is_refused_with_the_estimate_and_the_next_smaller_choice(
    computer, name, gpus, bits, said, choice
):
    computer(*gpus)
    with pytest.raises(ModelNotAvailableError) as caught:
        planned(name, bits=bits)
    message = str(caught.value)
    assert message.startswith(f"{name} does not fit here: it needs ")
    assert said in message
    assert choice in message.split("The next smaller choice: load_model")[1]


def test_a_card_that_others_use_is_not_called_too_small(computer):
    computer(("Tesla T4", (7, 5), 3.0, 14.7))
    with pytest.raises(ModelNotAvailableError) as caught:
        planned("llama-2-7b-chat")
    assert str(caught.value) == (
        "llama-2-7b-chat does not fit here: it needs 6.4 GiB in 4-bit or 15.3 GiB in 16-bit, and Tesla T4 has 3.0 GiB "
        "free. It has 14.7 GiB in all: close what else uses it, restart the kernel if it is this notebook, then load "
        "again. The next smaller choice: load_model('tinyllama-1.1b-chat'), 2.3 GiB in 16-bit."
    )
    with pytest.raises(ModelNotAvailableError) as caught:
        planned("llama-2-70b-chat")
    assert "in all" not in str(caught.value)  # it would not fit on the empty card


def test_the_next_smaller_choice_does_fit(computer):
    cards = ([T4], [("GTX 1070", (6, 1), 9.5)], [("RTX 3050", (8, 6), 3.4)])
    computers = [(gpus, {}) for gpus in cards] + [((), {"memory": (free, free)}) for free in (2.0, 9.0, 30.0)]
    computers += [((), {"memory": (free, free), "system": "darwin"}) for free in (4.0, 10.7, 16.5)]
    refused = 0
    for gpus, options in computers:
        computer(*gpus, **options)
        for name in (name for name in CATALOG if shape_of(name)):
            try:
                planned(name)
            except ModelNotAvailableError as error:
                refused += 1
                call = str(error).split("The next smaller choice: load_model(")[1].split("), ")[0]
                other, _, options = call.partition(", ")
                values = dict(pair.split("=") for pair in options.split(", ") if pair)
                context = int(values["max_context_tokens"]) if "max_context_tokens" in values else None
                planned(other.strip("'"), context, int(values["bits"]) if values else None)
    assert refused > 20


def test_without_bitsandbytes_4_bit_says_what_to_install(computer):
    computer(T4, packages=("accelerate",))
    with pytest.raises(
        ModelNotAvailableError, match=r"fits in 4-bit, .*`pip install bitsandbytes .*%pip.*restart the"
    ) as e:
        planned("llama-2-7b-chat")
    assert str(e.value).startswith("llama-2-7b-chat: it needs 6.4 GiB in 4-bit or 15.3 GiB in 16-bit, and Tesla T4 has")
    assert "smaller" not in str(e.value)
    assert planned("tinyllama-1.1b-chat").bits == 16


def test_without_accelerate_nothing_is_downloaded_for_a_gpu(computer):
    computer(A100, packages=())
    with pytest.raises(ModelNotAvailableError, match=r"needs the package accelerate. Install it with `pip install"):
        planned("llama-2-7b-chat")
    computer(packages=(), memory=(64.0, 60.0))
    assert planned("llama-2-7b-chat").bits == 32


def test_small_models_and_those_of_unknown_sizes_are_not_weighed(computer, tmp_path):
    computer(memory=(1.0, 0.1))
    assert plan(find_card("smollm2-135m-instruct"), None, None) is None
    assert plan(find_card("llama-2-7b"), tmp_path, None) is None  # a folder of one's own, without a config


def test_where_the_system_does_not_tell_its_memory_the_best_format_is_tried(computer):
    computer(memory=None)
    fit = planned("llama-2-7b-chat")
    assert (fit.bits, fit.free_gib) == (32, None)
    assert "has an unknown amount of memory" in sentence(find_card("llama-2-7b-chat"), fit)


def test_running_out_of_memory_on_apple_s_gpu_does_not_offer_what_it_does_not_do():
    fit = Fit(Device("mps", "float16", ""), 16, 15.3, 17.5, 0, "the GPU's share of the memory")
    told = placement.out_of_memory(find_card("llama-2-7b-chat"), fit, 4096)
    assert told.endswith("load_model('llama-2-7b-chat', bits=16, max_context_tokens=1024), 13.2 GiB.")
    own = dataclasses.replace(find_card("llama-2-7b-chat"), name="mine")
    assert placement.out_of_memory(own, fit, 4096).endswith("choice: a smaller max_context_tokens, for example 1024.")
    on_a_card = dataclasses.replace(fit, device=Device("cuda", "float16", ""))
    assert "choice: bits=4, or a smaller max_context_tokens" in placement.out_of_memory(own, on_a_card, 4096)


def test_running_out_of_memory_names_the_estimate_and_a_smaller_choice():
    card, device = find_card("llama-2-7b-chat"), Device("cuda", "bfloat16", "")
    told = [
        placement.out_of_memory(card, Fit(device, bits, needed, 16.0, 1, "RTX 4080"), 4096)
        for bits, needed in ((16, 15.3), (4, 6.4))
    ]
    assert "the estimate was 15.3 GiB in 16-bit for 4,096 tokens" in told[0]
    assert "load_model('llama-2-7b-chat', bits=4), 6.4 GiB" in told[0]
    assert "max_context_tokens=1024" in told[1]
    assert all(line.startswith("RTX 4080 ran out of memory with llama-2-7b-chat") for line in told)
