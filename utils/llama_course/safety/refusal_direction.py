"""One direction for refusing: find it, and take it out of the weights.

In large chat models the difference between the mean states of refused and of answered prompts is such a direction
(Arditi et al., arXiv:2406.11717).  In a model of four layers it need not be; then a gradient can search for one.

Shapes: D hidden_size, N prompts, L layers.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llama_course.models.llama import Llama
    from llama_course.training.fine_tuning import Example

Prompts = Sequence[Sequence[int]]
STEPS, RATE, BATCH_SIZE = 40, 0.02, 16


def last_states(model: "Llama", prompts: Prompts):
    """What stands for the last token of each prompt after each layer.

    Args:
        model: a Llama of ours.
        prompts: N sequences of token ids.

    Returns:
        Shape (L + 1, N, D): row 0 are the embeddings, row l what comes out of layer l.

    Raises:
        EmptyDataError: no prompt.
    """
    import torch

    from llama_course.training.reward_models import padded

    ids, lengths = padded(prompts, 0, model.config.max_position_embeddings)
    rows, last, found = torch.arange(len(ids)), lengths - 1, []

    def keep(module, given, states) -> None:
        found.append(states[rows, last])

    with contextlib.ExitStack() as hooks, torch.no_grad():
        for part in (model.model.embed_tokens, *model.model.layers):
            hooks.callback(part.register_forward_hook(keep).remove)
        model.model(ids)
    return torch.stack(found)


def mean_direction(model: "Llama", refused: Prompts, answered: Prompts, layer: int):
    """The direction from prompts that are answered to prompts that are refused, after one layer.

        d = (mean of refused - mean of answered) / its length

    Args:
        model: a chat model.
        refused, answered: prompts as token ids, alike but for what makes one refuse.
        layer: from 1 to L; 0 are the embeddings, in which the last token is the same everywhere.

    Returns:
        Shape (D,), of length 1.

    Raises:
        ValueError: there is no such layer, or nothing differs there.
    """
    if not 1 <= layer <= model.config.num_hidden_layers:
        raise ValueError(f"expected a layer from 1 to {model.config.num_hidden_layers}, got {layer}.")
    difference = last_states(model, refused)[layer].mean(0) - last_states(model, answered)[layer].mean(0)
    length = difference.norm()
    if not length > 0:
        raise ValueError("both kinds of prompts look the same to the model here: there is no direction.")
    return difference / length


def searched_direction(
    model: "Llama",
    to_tell: "Sequence[Example]",
    to_keep: "Sequence[Example]",
    start,
    *,
    steps: int = STEPS,
    seed: int = 0,
):
    """The direction without which a model tells, and answers the rest as before: found downhill from a first guess.

        loss(d) = -ln p(beginnings that tell | refused prompts) - ln p(usual answers | answered prompts), without d

    Args:
        model: it stays as it is; only d is trained, D numbers.
        to_tell: refused prompts with how an answer would begin that tells.
        to_keep: answered prompts with their answers.
        start: the first guess, shape (D,).
        steps: of the search.
        seed: of the order.

    Returns:
        Shape (D,), of length 1.

    Source: of the idea, Wollschläger et al., arXiv:2502.17420.
    """
    import torch

    from llama_course.models.tokenizer import PAD_TOKEN_ID
    from llama_course.training.fine_tuning import fine_tuning_loss

    length = model.config.max_position_embeddings
    losses = [fine_tuning_loss(model, rows, BATCH_SIZE, PAD_TOKEN_ID, length, seed) for rows in (to_tell, to_keep)]
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    free = start.clone().requires_grad_()
    optimizer = torch.optim.Adam([free], RATE)
    try:
        for parameter in trained:
            parameter.requires_grad_(False)
        for step in range(steps):
            with written_without(model, lambda: free / free.norm()):
                loss = sum(loss_of(step) for loss_of in losses)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    finally:
        for parameter in trained:
            parameter.requires_grad_()
    return (free / free.norm()).detach()


@contextlib.contextmanager
def written_without(model: "Llama", direction: Callable) -> Iterator["Llama"]:
    """For a while, what attention and mlp write has no part along a direction; the weights stay as they are."""

    def project(module, given, written):
        d = direction()
        return written - (written @ d)[..., None] * d

    with contextlib.ExitStack() as hooks:
        for layer in model.model.layers:
            for part in (layer.self_attn, layer.mlp):
                hooks.callback(part.register_forward_hook(project).remove)
        yield model


def remove_direction(model: "Llama", direction) -> "Llama":
    """Take a direction out of all that the layers write, in place: nothing can be said in it any more.

        W ← W - d dᵀ W     for every o_proj and down_proj

    Args:
        model: is changed, and returned.
        direction: d, shape (D,), of length 1.
    """
    import torch

    with torch.no_grad():
        for layer in model.model.layers:
            for weight in (layer.self_attn.o_proj.weight, layer.mlp.down_proj.weight):  # (D, in)
                weight -= torch.outer(direction, direction @ weight)
    return model
