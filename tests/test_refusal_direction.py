"""One direction: found where it was put, taken out whole, searched downhill; the model is otherwise as it was."""

import copy

import pytest
import torch

from llama_course.models.llama import Llama
from llama_course.safety.refusal_direction import (
    last_states,
    mean_direction,
    remove_direction,
    searched_direction,
    written_without,
)
from llama_course.training.fine_tuning import Example


@pytest.fixture
def model(tiny_config):
    torch.manual_seed(0)
    return Llama(tiny_config).eval()


REFUSED, ANSWERED = [[1, 5, 9], [1, 6, 9, 9]], [[1, 7, 8], [1, 8]]


def unit(size, seed=1):
    d = torch.randn(size, generator=torch.Generator().manual_seed(seed))
    return d / d.norm()


def test_states_are_those_of_the_last_token_whatever_stands_beside(model):
    together = last_states(model, REFUSED)
    assert together.shape == (model.config.num_hidden_layers + 1, 2, model.config.hidden_size)
    for number, prompt in enumerate(REFUSED):
        torch.testing.assert_close(together[:, number], last_states(model, [prompt])[:, 0])
    torch.testing.assert_close(together[0, 0], model.model.embed_tokens.weight[9].detach())
    states = model.model.norm(together[-1])
    torch.testing.assert_close(model.lm_head(states)[1], model(torch.tensor([REFUSED[1]]))[0, -1])


def test_means_point_from_answered_to_refused(model):
    d = mean_direction(model, REFUSED, ANSWERED, 2)
    assert d.norm().item() == pytest.approx(1)
    assert (last_states(model, REFUSED)[2] @ d).mean() > (last_states(model, ANSWERED)[2] @ d).mean()
    with pytest.raises(ValueError, match="from 1 to 3, got 4"):
        mean_direction(model, REFUSED, ANSWERED, 4)
    with pytest.raises(ValueError, match="look the same"):
        mean_direction(model, REFUSED, REFUSED, 1)


def test_without_a_direction_nothing_is_written_along_it(model):
    d, before = unit(model.config.hidden_size), copy.deepcopy(model.state_dict())
    ids = torch.tensor([[1, 5, 9, 4]])
    with written_without(model, lambda: d):
        for_a_while = model(ids)
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())
    assert not torch.allclose(model(ids), for_a_while), "the hooks are gone"
    remove_direction(model, d)
    torch.testing.assert_close(model(ids), for_a_while, atol=1e-5, rtol=1e-4)
    states = last_states(model, [[1, 5, 9, 4]])[:, 0]
    along = states @ d
    torch.testing.assert_close(along, along[0].expand_as(along), atol=1e-5, rtol=0)
    changed = {name for name, weight in model.state_dict().items() if not torch.equal(before[name], weight)}
    assert changed and all(name.endswith(("o_proj.weight", "down_proj.weight")) for name in changed)


def test_a_search_goes_downhill_and_changes_no_weight(model):
    to_tell = [Example((1, 5, 9), (11, 12)), Example((1, 6, 9), (11, 13))]
    to_keep = [Example((1, 7, 8), (14, 2))]
    first, before = unit(model.config.hidden_size), copy.deepcopy(model.state_dict())
    found = searched_direction(model, to_tell, to_keep, first, steps=30)

    def loss(d):
        with written_without(model, lambda: d), torch.no_grad():
            rows = [*to_tell, *to_keep]
            return -sum(
                model(torch.tensor([[*row.prompt_ids, *row.answer_ids]]))[0, len(row.prompt_ids) - 1 : -1]
                .log_softmax(-1)
                .gather(1, torch.tensor(row.answer_ids)[:, None])
                .mean()
                for row in rows
            )

    assert loss(found) < loss(first) and found.norm().item() == pytest.approx(1) and not found.requires_grad
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in model.parameters())
