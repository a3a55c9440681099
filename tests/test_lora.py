"""LoRA begins as the model was, trains only its own parameters, and merges into an equal model."""

import pytest
import torch
from torch import nn

from llama_course.training.lora import LoRALinear, add_lora, lora_parameters, merge_lora


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.q_proj, self.v_proj, self.o_proj = nn.Linear(6, 4), nn.Linear(6, 4, bias=False), nn.Linear(4, 3)

    def forward(self, x):
        return self.o_proj(torch.tanh(self.q_proj(x)) * self.v_proj(x))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Small()


@pytest.fixture
def x():
    return torch.randn(5, 6, generator=torch.Generator().manual_seed(1))


def train(model, x, steps=20):
    optimizer = torch.optim.Adam(lora_parameters(model), lr=0.05)
    for _ in range(steps):
        optimizer.zero_grad()
        (model(x) - 1).square().mean().backward()
        optimizer.step()


def test_adapters_change_nothing_before_training(model, x):
    before = model(x)
    assert torch.equal(add_lora(model, rank=2)(x), before)


def test_only_the_adapters_are_trained(model, x):
    frozen = {name: value.clone() for name, value in model.state_dict().items()}
    before = (model(x) - 1).square().mean()
    train(add_lora(model, rank=2), x)
    assert (model(x) - 1).square().mean() < 0.5 * before
    now = {name.replace("base.", ""): value for name, value in model.state_dict().items() if "lora_" not in name}
    assert all(torch.equal(now[name], value) for name, value in frozen.items())
    assert {name for name, p in model.named_parameters() if p.requires_grad} == {
        f"{layer}.lora_{half}" for layer in ("q_proj", "v_proj") for half in "AB"
    }


def test_the_number_of_trained_parameters_is_rank_times_both_sides(model):
    add_lora(model, rank=2)
    assert sum(p.numel() for p in lora_parameters(model)) == 2 * 2 * (6 + 4)


def test_a_merged_model_is_plain_again_and_computes_the_same(model, x):
    train(add_lora(model, rank=2), x)
    trained = model(x)
    names = set(Small().state_dict())
    merge_lora(model)
    assert torch.allclose(model(x), trained, atol=1e-6)
    assert set(model.state_dict()) == names
    assert all(p.requires_grad for p in model.parameters())


def test_the_addition_is_scaled_by_alpha_over_rank():
    layer = LoRALinear(nn.Linear(3, 3, bias=False), rank=2, alpha=6)
    layer.base.weight.data.zero_()
    layer.lora_A.data.fill_(1)
    layer.lora_B.data.fill_(1)
    assert layer(torch.ones(3)).tolist() == [6 / 2 * 2 * 3] * 3


@pytest.mark.parametrize("rank", [0, 5])
def test_an_impossible_rank_is_refused(rank):
    with pytest.raises(ValueError, match="rank must be from 1 to 4"):
        LoRALinear(nn.Linear(6, 4), rank, 1)


def test_a_model_without_such_layers_is_refused(model):
    with pytest.raises(ValueError, match="no linear layer is called k_proj"):
        add_lora(model, 2, targets=["k_proj"])


def test_adapters_on_adapters_are_refused(model):
    add_lora(model, 2)
    with pytest.raises(ValueError, match="adapters already"):
        add_lora(model, 2)
