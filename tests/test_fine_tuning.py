"""Fine-tuning learns answers, not prompts and not padding."""

import pytest
import torch

from llama_course.training.fine_tuning import Example, batch_of, fine_tuning_loss, shuffled_batch
from llama_course.training.losses import next_token_loss
from llama_course.training.pretraining import EmptyDataError

EXAMPLES = [Example((1, 5, 6), (7, 2)), Example((1, 8), (9, 10, 11, 2)), Example((1, 3), (4, 2))]
PAD, V = 0, 12


def uniform(input_ids):
    return torch.zeros(*input_ids.shape, V)


def test_a_batch_is_padded_on_the_right_and_labelled_on_the_answers():
    input_ids, labels = batch_of(EXAMPLES, PAD, max_length=6)
    assert input_ids.tolist() == [[1, 5, 6, 7, 2, 0], [1, 8, 9, 10, 11, 2], [1, 3, 4, 2, 0, 0]]
    assert labels.tolist() == [
        [-100, -100, -100, 7, 2, -100],
        [-100, -100, 9, 10, 11, 2],
        [-100, -100, 4, 2, -100, -100],
    ]


def test_the_loss_of_a_padded_batch_is_that_of_its_answers():
    torch.manual_seed(0)
    table = torch.randn(V, V)
    input_ids, labels = batch_of(EXAMPLES, PAD, 6)
    together = next_token_loss(table[input_ids], labels)
    alone = [batch_of([example], PAD, 6) for example in EXAMPLES]
    sums = [next_token_loss(table[i], one) * (one != -100).sum() for i, one in alone]
    assert together.item() == pytest.approx(sum(sums).item() / (2 + 4 + 2))


def test_an_example_longer_than_the_context_is_named():
    with pytest.raises(ValueError, match="example 1 has 6 tokens, and the model's context holds 5"):
        batch_of(EXAMPLES, PAD, max_length=5)


@pytest.mark.parametrize("example", [Example((), (2,)), Example((1,), ())])
def test_an_example_without_prompt_or_answer_is_refused(example):
    with pytest.raises(ValueError, match="example 0: prompt and answer need at least one token each"):
        batch_of([example], PAD, 5)


def test_no_example_is_refused():
    with pytest.raises(EmptyDataError, match="no example"):
        batch_of([], PAD, 5)
    with pytest.raises(EmptyDataError, match="no example"):
        fine_tuning_loss(uniform, [], 2, PAD, 5)(0)


def test_each_example_is_seen_once_an_epoch():
    seen = [example for step in range(3) for example in shuffled_batch(EXAMPLES, 2, seed=0, step=step)]
    assert len(seen) == 6
    assert set(seen[:3]) == set(EXAMPLES) and set(seen[3:]) == set(EXAMPLES)


def test_the_same_step_gives_the_same_examples():
    assert shuffled_batch(EXAMPLES, 4, 1, 7) == shuffled_batch(EXAMPLES, 4, 1, 7)
    orders = {tuple(shuffled_batch(EXAMPLES, 3, seed, 0)) for seed in range(10)}
    assert len(orders) > 1


def test_prompts_are_learned_only_when_asked_for():
    def counted(input_ids):
        return uniform(input_ids).requires_grad_()

    for on_prompts_too, learned in ((False, 8), (True, 8 + 2 + 1 + 1)):
        outputs = []
        loss = fine_tuning_loss(
            lambda ids, outputs=outputs: outputs.append(counted(ids)) or outputs[-1], EXAMPLES, 3, PAD, 6,
            on_prompts_too=on_prompts_too,
        )  # fmt: skip
        loss(0).backward()
        assert (outputs[0].grad.abs().sum(-1) > 0).sum().item() == learned


def test_each_epoch_has_an_order_of_its_own():
    many = [Example((1, i), (2,)) for i in range(3, 11)]
    first, second = shuffled_batch(many, 8, seed=0, step=0), shuffled_batch(many, 8, seed=0, step=1)
    assert first != second and set(first) == set(second)
