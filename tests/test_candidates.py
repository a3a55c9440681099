"""Candidates: what may be released is opened and identified; what may not says why, and never where it lies."""

import json
import re
import shutil

import pytest
import torch

from llama_course import files
from llama_course.models.llama import Llama, LlamaConfig
from llama_course.models.llama_files import save_llama
from llama_course.release.candidates import FEWEST_CONTEXT_TOKENS, CandidateError, candidate
from miniature_family import SIZES, flip_one_byte


def a_model(**sizes) -> Llama:
    torch.manual_seed(0)
    return Llama(LlamaConfig(**{**SIZES, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, **sizes}))


@pytest.fixture
def own(tmp_path, miniatures):
    """A fine-tune of one's own, as lesson 05's tools save it: weights and config, no tokenizer."""
    save_llama(a_model(), tmp_path / "my model")
    return tmp_path / "my model"


def test_a_member_of_the_family_is_identified_by_its_bytes(miniatures):
    found = candidate("tiny-chat")
    assert (found.name, found.context_tokens, found.has_own_tokenizer) == ("tiny-chat", 512, True)
    assert found.parameters == sum(p.numel() for p in found.model.parameters())
    assert found.sha256 == files.sha256(miniatures / "tiny-chat" / "model.safetensors")
    assert found.file_bytes == (miniatures / "tiny-chat" / "model.safetensors").stat().st_size
    assert str(miniatures) not in repr(found)


def test_a_folder_of_your_own_takes_the_familys_tokenizer_where_none_lies_in_it(own):
    found = candidate(own)
    assert (found.name, found.has_own_tokenizer) == ("my model", False)
    assert isinstance(found.chat_model().chat("Hello!", max_new_tokens=4, temperature=0), str)
    assert found.chat_model().name == "my model"


def test_its_own_tokenizer_is_preferred(own, miniatures):
    shutil.copy(miniatures / "tiny-chat" / "tokenizer.json", own)
    assert candidate(str(own)).has_own_tokenizer


def test_a_path_with_a_slash_at_its_end_is_the_same_folder(own):
    assert candidate(f"{own}/").name == "my model"


@pytest.mark.parametrize("wrong", ["", "  ", None, 7])
def test_nothing_is_no_model(wrong):
    with pytest.raises(CandidateError, match="expected a name such as 'tiny-chat' or a folder"):
        candidate(wrong)


def test_a_missing_folder_says_which_models_there_are(tmp_path, miniatures):
    with pytest.raises(CandidateError, match=r"there is no model 'nowhere'.*tiny-base, tiny-chat.*save_llama") as error:
        candidate(tmp_path / "nowhere")
    assert str(tmp_path) not in str(error.value)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_folder_without_a_file_names_it(own, name):
    (own / name).unlink()
    with pytest.raises(CandidateError, match=rf"my model: expected .*got no {re.escape(name)}"):
        candidate(own)


def test_a_reward_model_talks_to_nobody(miniatures, own):
    config = json.loads((own / "config.json").read_text(encoding="utf-8"))
    config["architectures"] = ["LlamaForSequenceClassification"]
    (own / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(CandidateError, match="is a reward model: it gives a number"):
        candidate(own)


def test_a_damaged_family_member_is_noticed_by_its_hash(own_miniatures):
    flip_one_byte(own_miniatures / "tiny-chat" / "model.safetensors")
    with pytest.raises(CandidateError, match="damaged") as error:
        candidate("tiny-chat")
    assert str(own_miniatures) not in str(error.value)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "model.safetensors").write_bytes(b"torn"), "cannot be loaded: .*safetensors"),
        (lambda f: (f / "config.json").write_text("{", encoding="utf-8"), "cannot be loaded: config.json"),
        (
            lambda f: save_llama(a_model(hidden_size=64), f / "x") or shutil.copy(f / "x/config.json", f),
            "expected shape",
        ),
        (lambda f: (f / "tokenizer.json").write_text("{}", encoding="utf-8"), "tokenizer.json: expected a tokenizer"),
    ],
    ids=["torn weights", "config no JSON", "of another shape", "tokenizer no tokenizer"],
)
def test_damaged_files_are_named_without_their_place(own, spoil, message):
    spoil(own)
    with pytest.raises(CandidateError, match=rf"my model.*{message}") as error:
        candidate(own)
    assert str(own.parent) not in str(error.value)


def test_weights_that_are_no_numbers_are_refused(own):
    model = a_model()
    with torch.no_grad():
        model.model.layers[0].mlp.up_proj.weight[0, 0] = float("nan")
    save_llama(model, own)
    with pytest.raises(CandidateError, match=r"up_proj\.weight holds numbers that are infinite or none at all"):
        candidate(own)


def test_a_vocabulary_that_does_not_fit_is_counted(own):
    save_llama(a_model(vocab_size=900), own)
    with pytest.raises(CandidateError, match=r"vocabulary has 900 tokens and the family's tokenizer .* 1,024"):
        candidate(own)


def test_a_context_too_short_for_the_tests_is_refused(own):
    save_llama(a_model(max_position_embeddings=FEWEST_CONTEXT_TOKENS - 1), own)
    with pytest.raises(CandidateError, match="another shape"):
        candidate(own)


@pytest.mark.parametrize("change", [{"rms_norm_eps": "x"}, {"rope_parameters": [1]}, {"intermediate_size": True}])
def test_a_config_that_is_no_config_is_named(own, change):
    config = json.loads((own / "config.json").read_text(encoding="utf-8"))
    (own / "config.json").write_text(json.dumps(config | change), encoding="utf-8")
    with pytest.raises(CandidateError, match="my model cannot be loaded"):
        candidate(own)


def test_two_files_of_weights_are_refused_for_nobody_knows_which_was_measured(own):
    shutil.copy(own / "model.safetensors", own / "model_old.safetensors")
    with pytest.raises(CandidateError, match=r"beside model\.safetensors lies model_old\.safetensors"):
        candidate(own)


def test_adapters_are_to_be_merged_first(own):
    from llama_course.training.lora import add_lora, merge_lora

    model = add_lora(a_model(), rank=2)
    save_llama(model, own)
    with pytest.raises(CandidateError, match=r"LoRA's adapters .* merge_lora"):
        candidate(own)
    save_llama(merge_lora(model), own)
    assert candidate(own).name == "my model"


@pytest.mark.parametrize("name", ["\0", "x" * 5_000, "~nobody-of-that-name/x"])
def test_impossible_names_are_no_model(miniatures, name):
    with pytest.raises(CandidateError, match="there is no model") as error:
        candidate(name)
    assert len(str(error.value)) < 400
