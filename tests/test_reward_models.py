"""Reward models score the last token, learn preferences, and honour margins."""

import copy
import dataclasses
import errno
import json
import math
import random

import pytest
import torch
from safetensors import safe_open
from torch import nn

from llama_course.models.llama import Llama
from llama_course.models.llama_files import save_llama
from llama_course.training.loop import train
from llama_course.training.optimization import TrainingSettings
from llama_course.training.pretraining import EmptyDataError
from llama_course.training.reward_models import (
    Pair,
    RewardModel,
    load_reward_model,
    padded,
    pair_accuracy,
    reward_loss,
    save_reward_model,
)

PAD, GOOD, BAD = 0, 7, 8


class Running(nn.Module):
    """Hidden states that are the mean of the embeddings so far."""

    def __init__(self, hidden_size=6, vocab_size=10):
        super().__init__()
        self.embed = nn.Embedding(vocab_size, hidden_size)

    def forward(self, input_ids):
        counts = torch.arange(1, input_ids.shape[1] + 1)[:, None]
        return self.embed(input_ids).cumsum(dim=1) / counts


def new_model():
    torch.manual_seed(0)
    return RewardModel(Running(), 6)


def some_pairs(number=60, noise=0.0, margin=0.0, seed=0):
    """The answer with the good token in it is chosen, but for some noise."""
    dice = random.Random(seed)
    pairs = []
    for _ in range(number):
        start = tuple(dice.choices(range(1, 7), k=dice.randint(2, 5)))
        good, bad = (*start, GOOD, 2), (*start, BAD, 2)
        pairs.append(Pair(bad, good, margin) if dice.random() < noise else Pair(good, bad, margin))
    return pairs


def test_padding_does_not_change_a_reward():
    model = new_model()
    alone = model(*padded([[3, 4, 5]], PAD, 10))
    beside = model(*padded([[3, 4, 5], [1, 2, 3, 4, 5, 6, 7]], PAD, 10))
    assert beside[0].item() == pytest.approx(alone.item(), abs=1e-6)
    assert beside.shape == (2,)


def test_sequences_are_padded_on_the_right():
    input_ids, lengths = padded([[3], [4, 5, 6]], PAD, 10)
    assert input_ids.tolist() == [[3, 0, 0], [4, 5, 6]] and lengths.tolist() == [1, 3]


@pytest.mark.parametrize("sequences", [[], [[1], []]])
def test_nothing_to_score_is_refused(sequences):
    with pytest.raises(EmptyDataError, match="no sequence to score"):
        padded(sequences, PAD, 10)


def test_a_sequence_longer_than_the_context_is_refused():
    with pytest.raises(ValueError, match="has 3 tokens, and the model's context holds 2"):
        padded([[1, 2, 3]], PAD, 2)


def test_it_learns_what_is_preferred_and_tells_new_pairs_apart():
    model, settings = new_model(), TrainingSettings(steps=60, learning_rate=0.05, warmup_steps=5)
    before = pair_accuracy(model, some_pairs(seed=9), PAD, 10)
    train(model, reward_loss(model, some_pairs(), 16, PAD, 10), settings)
    assert pair_accuracy(model, some_pairs(seed=9), PAD, 10) == 1.0 != before


def test_noisy_labels_bound_the_accuracy_on_labels_and_not_on_the_truth():
    model, settings = new_model(), TrainingSettings(steps=80, learning_rate=0.05, warmup_steps=5)
    train(model, reward_loss(model, some_pairs(400, noise=0.15), 32, PAD, 10), settings)
    labels = some_pairs(400, noise=0.15, seed=9)
    assert pair_accuracy(model, some_pairs(400, seed=9), PAD, 10) == 1.0
    assert pair_accuracy(model, labels, PAD, 10) == pytest.approx(0.85, abs=0.05)


def test_a_margin_drives_the_rewards_further_apart():
    gaps = []
    for margin in (0.0, 3.0):
        model, pairs = new_model(), some_pairs(margin=margin)
        settings = TrainingSettings(steps=120, learning_rate=0.03, warmup_steps=5)
        train(model, reward_loss(model, pairs, 16, PAD, 10), settings)
        rewards = model(*padded([pairs[0].chosen_ids, pairs[0].rejected_ids], PAD, 10))
        gaps.append((rewards[0] - rewards[1]).item())
    assert gaps[1] > gaps[0] + 0.5


def test_margins_can_be_left_out():
    model, pairs = new_model(), some_pairs(margin=5.0)
    nn.init.zeros_(model.score.weight)
    assert reward_loss(model, pairs, 8, PAD, 10, use_margins=False)(0).item() == pytest.approx(math.log(2))
    assert reward_loss(model, pairs, 8, PAD, 10)(0).item() == pytest.approx(math.log1p(math.exp(5)))


def test_equal_rewards_count_one_half():
    model = new_model()
    nn.init.zeros_(model.score.weight)
    assert pair_accuracy(model, some_pairs(7), PAD, 10, batch_size=3) == 0.5
    with pytest.raises(EmptyDataError, match="no pair"):
        pair_accuracy(model, [], PAD, 10)


def test_the_last_token_is_scored():
    model = new_model()
    first, second = model(*padded([[3, 4, 5], [3, 4, 6]], PAD, 10))
    assert first.item() != second.item()
    by_hand = model.score(model.body(torch.tensor([[3, 4, 5]]))[0, 2])
    assert first.item() == pytest.approx(by_hand.item(), abs=1e-6)


# -- files -------------------------------------------------------------------------------------------------------------

CONVERSATIONS = [(1, 5, 9, 3, 2), (1, 7, 2), (1, 44, 45, 46, 47, 48, 50, 2)]


@pytest.fixture(params=[False, True], ids=["untied", "tied"])
def llama(request, tiny_config):
    """A Llama whose vectors are no ones, and no two weights of which are alike."""
    torch.manual_seed(1)
    model = Llama(dataclasses.replace(tiny_config, tie_word_embeddings=request.param, eos_token_id=2))
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.2 * torch.randn_like(weight))
    return model.eval()


@pytest.fixture
def judge(llama):
    """A reward model on a Llama."""
    return RewardModel(llama.model, llama.config.hidden_size).eval()


@torch.no_grad()
def rewards_of(model):
    return model(*padded(CONVERSATIONS, PAD, 37))


def test_a_saved_reward_model_comes_back_to_the_bit(judge, tmp_path):
    save_reward_model(judge, tmp_path / "new" / "folder")
    loaded = load_reward_model(tmp_path / "new" / "folder")
    assert torch.equal(rewards_of(loaded), rewards_of(judge))
    assert loaded.state_dict().keys() == judge.state_dict().keys()
    assert loaded.body.config == judge.body.config
    assert not loaded.training and all(parameter.requires_grad for parameter in loaded.parameters())


def test_one_saved_in_half_precision_comes_back_in_float32(judge, tmp_path):
    save_reward_model(copy.deepcopy(judge).half(), tmp_path)
    loaded = load_reward_model(tmp_path)
    for own, saved in zip(loaded.parameters(), judge.parameters(), strict=True):
        assert own.dtype == torch.float32
        assert torch.equal(own, saved.half().float())
    assert json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))["dtype"] == "float16"
    assert sum(parameter.numel() for parameter in judge.parameters()) * 2 == pytest.approx(
        (tmp_path / "model.safetensors").stat().st_size, abs=8000
    )


def test_transformers_reads_it_and_gives_the_same_rewards(judge, tmp_path):
    from transformers import AutoModelForSequenceClassification, LlamaForSequenceClassification

    save_reward_model(judge, tmp_path)
    theirs = AutoModelForSequenceClassification.from_pretrained(tmp_path, local_files_only=True)
    assert isinstance(theirs, LlamaForSequenceClassification)
    assert theirs.config.id2label == {0: "reward"}
    with safe_open(tmp_path / "model.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt"}  # transformers 4 asks for it
    assert theirs.config.architectures == ["LlamaForSequenceClassification"]  # what a plain AutoModel goes by
    input_ids, _ = padded(CONVERSATIONS, PAD, 37)
    with torch.no_grad():
        rewards = theirs(input_ids).logits  # it looks for the padding itself
    assert rewards.shape == (3, 1)
    torch.testing.assert_close(rewards_of(judge), rewards[:, 0], rtol=0, atol=1e-5)


def test_one_that_transformers_made_gives_the_same_rewards(tiny_config, tmp_path):
    from transformers import LlamaConfig, LlamaForSequenceClassification

    sizes = dataclasses.asdict(dataclasses.replace(tiny_config, eos_token_id=2))
    torch.manual_seed(2)
    theirs = LlamaForSequenceClassification(LlamaConfig(**sizes, num_labels=1, pad_token_id=PAD)).eval()
    theirs.save_pretrained(tmp_path)
    with torch.no_grad():
        expected = theirs(padded(CONVERSATIONS, PAD, 37)[0]).logits[:, 0]
    torch.testing.assert_close(rewards_of(load_reward_model(tmp_path)), expected, rtol=0, atol=1e-5)


def test_loading_draws_no_random_numbers(judge, tmp_path):
    """Else what is trained after it would depend on what was loaded before."""
    save_reward_model(judge, tmp_path)
    torch.manual_seed(5)
    load_reward_model(tmp_path)
    after = torch.rand(3)
    torch.manual_seed(5)
    assert torch.equal(after, torch.rand(3))


def test_a_loaded_reward_model_can_be_trained_on(judge, tmp_path):
    save_reward_model(judge, tmp_path)
    loaded = load_reward_model(tmp_path)
    pairs = [Pair(CONVERSATIONS[0], CONVERSATIONS[1]), Pair(CONVERSATIONS[2], CONVERSATIONS[1])]
    history = train(loaded, reward_loss(loaded, pairs, 2, PAD, 37), TrainingSettings(25, 1e-2, 0))
    assert history.losses[-1] < 0.5 * history.losses[0]


def test_a_folder_with_a_language_model_is_no_reward_model(llama, tmp_path):
    save_llama(llama, tmp_path)
    with pytest.raises(ValueError, match=r"expected a reward model, got other tensors: .*score\.weight"):
        load_reward_model(tmp_path)


def test_a_reward_model_of_other_sizes_than_its_config_is_refused(judge, tmp_path):
    save_reward_model(judge, tmp_path)
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    (tmp_path / "config.json").write_text(json.dumps(config | {"intermediate_size": 40}), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"{tmp_path.name}: expected a reward model, .*mlp"):
        load_reward_model(tmp_path)


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(judge, tmp_path, missing):
    save_reward_model(judge, tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(FileNotFoundError, match=missing):
        load_reward_model(tmp_path)


def test_when_the_disk_is_full_the_old_reward_model_stays(judge, tmp_path, monkeypatch):
    save_reward_model(judge, tmp_path)
    before = rewards_of(judge)
    files_before = {file.name for file in tmp_path.iterdir()}
    with torch.no_grad():
        judge.score.weight.mul_(2)

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(OSError, match=r"Could not write .*model\.safetensors: the disk is full"):
            save_reward_model(judge, tmp_path)
    assert torch.equal(rewards_of(load_reward_model(tmp_path)), before)
    assert {file.name for file in tmp_path.iterdir()} == files_before, "something was left behind"


def test_the_config_is_written_last(judge, tmp_path, monkeypatch):
    """Where it is, the weights are whole: they are what may not fit."""
    written = []
    monkeypatch.setattr("llama_course.files.write_atomically", lambda path, data: written.append(path.name))
    save_reward_model(judge, tmp_path)
    assert written == ["model.safetensors", "config.json"]
