"""The watermark: z, transformers' counting, and texts that carry a mark or do not."""

import math
import types

import pytest
import torch

from llama_course.safety.watermark import (
    Detector,
    Mark,
    false_alarm_probability,
    reworded,
    write,
    z_score,
)

VOCAB = 64


@pytest.fixture(scope="module")
def model():
    """A transformers Llama of random weights, with the little of a chat model that writing needs."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = LlamaConfig(vocab_size=VOCAB, max_position_embeddings=128, bos_token_id=1, eos_token_id=2, **sizes)
    return types.SimpleNamespace(
        model=LlamaForCausalLM(config).eval(),
        tokenizer=types.SimpleNamespace(pad_token_id=0),
        _chat_ids=lambda messages: [1, *(3 + ord(letter) % 50 for letter in messages[0]["content"])],
    )


def test_z_counts_standard_deviations():
    assert z_score(25, 100) == 0 and z_score(50, 100) == pytest.approx(25 / math.sqrt(18.75))
    assert false_alarm_probability(4) == pytest.approx(3.2e-5, rel=0.02) and false_alarm_probability(0) == 0.5
    with pytest.raises(ValueError, match="at least one"):
        z_score(0, 0)


def test_the_detector_counts_each_pair_once():
    found = Detector(VOCAB)([5, 6, 5, 6, 5, 6, 7])
    assert found.scored == 3 and found.z == pytest.approx(z_score(found.green, 3))
    with pytest.raises(ValueError, match="two tokens"):
        Detector(VOCAB)([5])


def test_marked_text_is_found_by_its_own_key_alone(model):
    prompts, mark = ["ab", "abcd", "b"], Mark(key=123_457)
    marked = write(model, prompts, mark, tokens=100, temperature=1.0, seed=1)
    plain = write(model, prompts, None, tokens=100, temperature=1.0, seed=1)
    assert all(len(ids) == 100 for ids in marked + plain)
    ours, other = Detector(VOCAB, mark), Detector(VOCAB, Mark(key=76_543))
    assert all(ours(ids).found() for ids in marked)
    assert not any(ours(ids).found() for ids in plain) and not any(other(ids).found() for ids in marked)
    assert all(ours(ids[:60]).z < ours(ids).z for ids in marked), "longer texts are surer"


def test_the_same_seed_writes_the_same_and_leaves_the_callers_chance(model):
    state = torch.get_rng_state()
    first, second = (write(model, ["ab"], Mark(), tokens=10, seed=4) for _ in range(2))
    assert first == second and torch.equal(state, torch.get_rng_state())


def test_rewording_exchanges_so_many_tokens_and_wears_the_mark_off(model):
    mark = Mark(key=123_457)
    (ids,) = write(model, ["ab"], mark, tokens=100, temperature=1.0, seed=2)
    assert reworded(model, ids, 0.0) == ids
    changed = {share: reworded(model, ids, share) for share in (0.25, 0.9)}
    for share, new in changed.items():
        assert sum(a != b for a, b in zip(ids, new, strict=True)) == round(100 * share)
    detector = Detector(VOCAB, mark)
    assert detector(ids).z > detector(changed[0.25]).z > detector(changed[0.9]).z
    with pytest.raises(ValueError, match="from 0 to 1"):
        reworded(model, ids, 2)
