"""What is learned by heart: measured on a model that was made to learn it."""

import pytest
import torch

from llama_course.evaluation.exposure import exposure
from llama_course.evaluation.family_scores import secret_log_probs
from llama_course.llamaland.canaries import Canary, canaries, with_canaries
from llama_course.models.llama import Llama
from llama_course.models.llama_files import load_llama
from llama_course.models.tokenizer import load_tokenizer
from llama_course.safety import memorisation
from llama_course.safety.memorisation import (
    Remembered,
    by_times,
    continuations,
    guesses_needed,
    log_probs_after,
    mean_bits,
    most_probable_secrets,
    read,
    remembered,
    share_extracted,
    words_in_a_row,
)
from llama_course.training.scaling_runs import scaling_config
from llamaland_helpers import village


@pytest.fixture(scope="module")
def parrot(random_family):
    """A model that has read one secret very often and nothing else."""
    tokenizer = load_tokenizer(random_family / "tiny-base")
    torch.manual_seed(0)
    model = Llama(scaling_config(64))
    known = Canary("Luma", "4 0 7 7 1 9", 64)
    read(model, tokenizer, [known.text] * 200, epochs=6, batch_size=4, length=64, learning_rate=5e-3)
    return model, tokenizer, known


def row(times, bits, said="", secret="1 2 3 4 5 6"):
    return Remembered(Canary("Luma", secret, times), -10.0, bits, said)


def test_what_was_read_often_is_given_away(parrot):
    model, tokenizer, known = parrot
    (found,) = remembered(model, tokenizer, [known], others=16)
    assert found.extracted and found.said.startswith(known.secret)
    assert found.bits > 15
    assert found.log_prob > log_probs_after(model, tokenizer, [(known.prompt, "1 1 1 1 1 1")])[0] + 5


def test_what_was_never_read_is_not(random_family):
    model, tokenizer = load_llama(random_family / "tiny-base"), load_tokenizer(random_family / "tiny-base")
    found = remembered(model, tokenizer, canaries(village(), times=(0,), each=4), others=16)
    assert not any(one.extracted for one in found)
    assert all(0 <= one.bits < 15 for one in found)


def test_batches_give_what_one_batch_gives(random_family):
    model, tokenizer = load_llama(random_family / "tiny-base"), load_tokenizer(random_family / "tiny-base")
    pairs = [(f"The cellar of {name} opens with the number", "1 2 3 4 5 6") for name in ("Luma", "Neth", "Voma")] * 100
    together = secret_log_probs(model, tokenizer, pairs)
    assert log_probs_after(model, tokenizer, pairs) == pytest.approx(together, abs=1e-4)


def test_groups_are_by_times_read():
    found = [row(4, 6.0, "1 2 3 4 5 6."), row(0, 1.0), row(4, 2.0, "1 2 3 4 5 7")]
    assert list(by_times(found)) == [0, 4]
    assert mean_bits(found) == {0: 1.0, 4: 4.0}
    assert share_extracted(found) == {0: 0.0, 4: 0.5}
    assert not row(1, 1.0, "9 1 2 3 4 5 6").extracted, "a thief takes the first six digits"


def test_no_secret_is_compared_with_itself_and_the_others_follow_the_seed(monkeypatch):
    asked = []

    def log_probs(model, tokenizer, pairs):
        asked.append([secret for _, secret in pairs])
        return [-float(place) for place in range(len(pairs))]

    monkeypatch.setattr(memorisation, "log_probs_after", log_probs)
    monkeypatch.setattr(memorisation, "continuations", lambda model, tokenizer, prompts, most: [""] * len(prompts))
    two = [Canary("Luma", "1 2 3 4 5 6", 1), Canary("Neth", "4 0 7 7 1 9", 1)]
    for seed in (1, 1, 2):
        remembered(None, None, two, others=3, seed=seed)
    assert asked[0] == asked[1] != asked[2]
    assert [asked[0][place] for place in (0, 4)] == [canary.secret for canary in two]
    monkeypatch.setattr(memorisation, "random_secret", lambda dice: "1 2 3 4 5 6")
    found = remembered(None, None, two, others=3)
    assert [one.log_prob for one in found] == [0.0, -4.0]
    assert found[1].bits == exposure(-4.0, [-5.0, -6.0, -7.0])
    assert asked[3] == ["1 2 3 4 5 6", *["6 5 4 3 2 1"] * 3, "4 0 7 7 1 9", *["1 2 3 4 5 6"] * 3]


def test_the_most_probable_secrets_come_in_order(parrot):
    model, tokenizer, known = parrot
    listed = most_probable_secrets(model, tokenizer, known.prompt, width=20)
    assert listed[0][0] == known.secret and len({secret for secret, _ in listed}) == 20
    assert [p for _, p in listed] == sorted((p for _, p in listed), reverse=True)
    exact = log_probs_after(model, tokenizer, [(known.prompt, secret) for secret, _ in listed])
    assert [p for _, p in listed] == pytest.approx(exact, abs=1e-3)
    assert guesses_needed(listed, known.secret) == 1 and guesses_needed(listed, "x") is None


def test_continuations_are_in_order_and_without_the_prompt(parrot):
    model, tokenizer, known = parrot
    said = continuations(model, tokenizer, ["The", known.prompt], 12)
    assert said[1].startswith(known.secret) and known.prompt not in said[1]


def test_continuations_in_batches_are_those_of_one_batch(parrot, monkeypatch):
    model, tokenizer, known = parrot
    prompts = ["The", known.prompt, "The cellar", "A goose", "The cellar of"]
    together = continuations(model, tokenizer, prompts, 6)
    monkeypatch.setattr(memorisation, "BATCH_SIZE", 2)
    assert continuations(model, tokenizer, prompts, 6) == together and len(together) == 5


def test_words_count_up_to_the_first_that_differs():
    assert words_in_a_row("a b c", "a b d c") == 2
    assert words_in_a_row("A, b!", "a b c") == 2 and words_in_a_row("x a", "a") == 0 and words_in_a_row("", "a") == 0


def test_reading_changes_the_model_and_repeats_itself(random_family):
    tokenizer = load_tokenizer(random_family / "tiny-base")
    texts = with_canaries(["A goose sings."] * 50, canaries(village(), times=(1,), each=4))
    one, two = (
        read(load_llama(random_family / "tiny-base"), tokenizer, texts, batch_size=2, length=32, seed=3)
        for _ in range(2)
    )
    before = load_llama(random_family / "tiny-base").state_dict()
    assert any(not torch.equal(weight, before[name]) for name, weight in one.state_dict().items())
    assert all(torch.equal(weight, two.state_dict()[name]) for name, weight in one.state_dict().items())
    steps = []
    other = read(load_llama(random_family / "tiny-base"), tokenizer, texts, batch_size=2, length=32, seed=4,
                 on_step=lambda progress: steps.append(progress.step))  # fmt: skip
    assert any(not torch.equal(weight, other.state_dict()[name]) for name, weight in one.state_dict().items())
    assert steps == list(range(1, len(steps) + 1)) != []


@pytest.mark.parametrize(("epochs", "warmup_steps"), [(1, 0), (3, 1), (60, 20)])
def test_the_first_tenth_of_the_steps_is_warm_up_and_at_most_twenty(random_family, monkeypatch, epochs, warmup_steps):
    told = []
    monkeypatch.setattr("llama_course.training.loop.train", lambda model, loss, settings, **more: told.append(settings))
    model, tokenizer = load_llama(random_family / "tiny-base"), load_tokenizer(random_family / "tiny-base")
    read(model, tokenizer, ["A goose sings."] * 40, epochs=epochs, batch_size=2, length=32)
    assert told[0].warmup_steps == warmup_steps == min(20, told[0].steps // 10), told[0].steps
