"""The calculators, asked through their traits: the same sums as the envelope's, and a twin without a kernel."""

import pytest

from llama_course.models.envelope import serving_memory, speed_limit, users_that_fit
from llama_course.models.sizes import SHAPES, shape_in
from llama_course.policy.deployment import devices
from llama_course.widgets import sizing
from llama_course.widgets.html import to_text
from llama_course.widgets.sizing import KINDS, MODELS, MemoryCalculator, SpeedCalculator, memory_html, speed_html


def row(html, name):
    (line,) = [line for line in to_text(html).splitlines() if line.startswith(name)]
    return line


def test_memory_is_that_of_the_envelope():
    need = serving_memory(SHAPES["llama-2-13b"], 4.5, context_tokens=2048, users=5)
    line = row(memory_html("Llama 2 13B", 2048, 5), "4 bits")
    assert all(f"{number / 2**30:.2f}" in line for number in (need.weights_bytes, need.cache_bytes, need.total_bytes))


def test_the_smallest_card_that_holds_it_is_named():
    page = memory_html("Llama 2 7B", 4096, 1)
    assert row(page, "float16").endswith("RTX 4090")  # 15.6 GB do not go into nine tenths of 16
    assert "T4" in row(page, "4 bits")
    assert row(memory_html("Llama 2 70B", 4096, 64), "float16").endswith("none of ours")


def test_speeds_are_limits_and_what_does_not_fit_says_so(monkeypatch):
    monkeypatch.setattr(sizing.hardware, "memory_gib", lambda: (16.0, 8.0))
    page = speed_html("Llama 2 7B", "4 bits", 4, 1024, own_gb_per_s=20.0)
    card = devices()["a100"]
    limit = speed_limit(SHAPES["llama-2-7b"], card.bandwidth_gb_per_s, 4.5, context_tokens=1024, users=4)
    assert row(page, card.name).split()[-2:] == [f"{limit.for_each:,.0f}", f"{limit.in_all:,.0f}"]
    own = speed_limit(SHAPES["llama-2-7b"], 20.0, 4.5, context_tokens=1024, users=4)
    assert row(page, "this computer").split()[-3:] == ["20", f"{own.for_each:.1f}", f"{own.in_all:.1f}"]
    large = speed_html("Llama 2 70B", "4 bits", 1, 256)
    assert "does not fit" in row(large, "T4") and "room for 0" in row(large, "T4") and "this computer" not in large
    assert "1 user with" in to_text(large)


def test_this_computer_is_asked_for_its_memory_too(monkeypatch):
    monkeypatch.setattr(sizing.hardware, "memory_gib", lambda: (8.0, 1.0))
    assert row(speed_html("Llama 2 7B", "4 bits", 1, 1024, 20.0), "this computer").split()[-1] == "4.7"
    assert row(speed_html("Llama 2 7B", "float16", 1, 1024, 20.0), "this computer").endswith("room for 0")
    monkeypatch.setattr(sizing.hardware, "memory_gib", lambda: None)
    assert "does not fit" not in row(speed_html("Llama 2 70B", "float16", 1, 1024, 20.0), "this computer")


def test_as_many_users_as_there_is_room_for_and_not_one_more():
    card, shape = devices()["rtx-4090"], SHAPES["llama-2-7b"]
    room = users_that_fit(shape, 0.9 * card.memory_gb * 1e9 / 2**30, 4.5, context_tokens=4096)
    assert "does not fit" not in row(speed_html("Llama 2 7B", "4 bits", room, 4096), card.name)
    assert f"room for {room}" in row(speed_html("Llama 2 7B", "4 bits", room + 1, 4096), card.name)


def test_turning_a_knob_changes_the_table_and_the_twin():
    memory = MemoryCalculator()
    before = memory.shown.value
    memory.settings["users"].value = 30
    assert memory.shown.value != before and "30 × 4,096" in to_text(memory.static_html())
    speed = SpeedCalculator(own_gb_per_s=9.0)
    speed.settings["kind"].value = "float16"
    speed.settings["model"].value = "Llama 2 13B"
    assert "Llama 2 13B in float16" in to_text(speed.static_html())
    assert set(memory._repr_mimebundle_()) >= {"text/html", "text/plain"}


@pytest.mark.parametrize("model", MODELS)
def test_every_model_and_kind_has_a_table(model):
    for kind in KINDS:
        assert to_text(speed_html(model, kind, 64, 4096)) and to_text(memory_html(model, 256, 64))


def test_the_small_models_shape_is_that_of_its_file():
    from llama_course.models.inside import model_folder

    assert shape_in(model_folder("smollm2-135m-instruct")) == MODELS["SmolLM2 135M"]
