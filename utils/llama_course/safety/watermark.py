"""A watermark in text: a mark that nobody reads and a program counts.

Before each token a list of "green" tokens is drawn from a key and the token before it, and their logits get a bonus.
Whoever has the key counts how many tokens are green.  Writing and counting are those of transformers
(``WatermarkingConfig``, ``WatermarkDetector``); what is here prepares texts for them.

Source: Kirchenbauer et al., arXiv:2301.10226, algorithm 2.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llama_course.models.transformers_backend import TransformersModel

GREEN_SHARE, BONUS, THRESHOLD = 0.25, 2.0, 4.0  # γ, δ and z as the authors recommend them
KEY = 15_485_863  # the millionth prime, transformers' default; in earnest one keeps a secret
CONTEXT_WIDTH = 1  # tokens that choose the green list
LIKELY = 0.9  # of the probability: what a rewording draws from


@dataclass(frozen=True)
class Mark:
    """A key and how strongly it is pressed on."""

    key: int = KEY
    green_share: float = GREEN_SHARE
    bonus: float = BONUS

    def config(self) -> Any:
        """As transformers wants it."""
        from transformers import WatermarkingConfig

        return WatermarkingConfig(
            greenlist_ratio=self.green_share,
            bias=self.bonus,
            hashing_key=self.key,
            seeding_scheme="lefthash",
            context_width=CONTEXT_WIDTH,
        )


@dataclass(frozen=True)
class Detection:
    """What was counted in a text; each pair of neighbours once, as repetitions prove nothing."""

    scored: int  # pairs of neighbours
    green: int  # of them, those whose second token is green
    z: float

    def found(self, threshold: float = THRESHOLD) -> bool:
        """Whether there are more green tokens than chance would have it."""
        return self.z > threshold


def z_score(green: float, scored: float, green_share: float = GREEN_SHARE) -> float:
    """How many standard deviations there is too much green.

    z = (G - γ T) / √(T γ (1 - γ))

    Raises:
        ValueError: nothing was scored.
    """
    if scored < 1:
        raise ValueError(f"expected at least one scored token, got {scored}.")
    return (green - green_share * scored) / math.sqrt(scored * green_share * (1 - green_share))


def false_alarm_probability(z: float) -> float:
    """How probable such a z or a larger one is in a text without a mark, if its pairs are independent."""
    return math.erfc(z / math.sqrt(2)) / 2


class Detector:
    """transformers' detector for one vocabulary and one key.

    Args:
        vocab_size: of the model's logits, which can be more than the tokenizer has.
        mark: the one to look for.
    """

    def __init__(self, vocab_size: int, mark: Mark | None = None):
        from types import SimpleNamespace

        from transformers import WatermarkDetector

        # what it reads of a model's config; no token is BOS, so that the first one counts, too
        config = SimpleNamespace(vocab_size=vocab_size, bos_token_id=-1, is_encoder_decoder=False)
        self._detector = WatermarkDetector(
            config, "cpu", (mark or Mark()).config(), ignore_repeated_ngrams=True, max_cache_size=4096
        )

    def __call__(self, ids: Sequence[int]) -> Detection:
        """Count.

        Args:
            ids: a text's tokens, without its prompt; two or more.

        Raises:
            ValueError: fewer than two.
        """
        import torch

        if len(ids) < 2:
            raise ValueError(f"a mark lies between neighbours: expected two tokens or more, got {len(ids)}.")
        found = self._detector(torch.tensor([list(ids)]), return_dict=True)
        return Detection(int(found.num_tokens_scored[0]), int(found.num_green_tokens[0]), float(found.z_score[0]))


def write(
    model: "TransformersModel",
    prompts: Sequence[str],
    mark: Mark | None,
    *,
    tokens: int = 200,
    temperature: float = 0.8,
    seed: int = 0,
) -> list[list[int]]:
    """Let a chat model write, with a mark or without one.

    Args:
        model: of the transformers backend, on the CPU: green lists are others on other devices.
        prompts: what is asked, one text for each.
        mark: None for none.
        tokens: of every text, no more and no fewer.
        temperature: the bonus comes after it, so a low one leaves the mark less to choose from.
        seed: of the draw.

    Returns:
        The token ids of each text, without its prompt.
    """
    import torch

    rows = [model._chat_ids([{"role": "user", "content": prompt}]) for prompt in prompts]
    longest, pad = max(map(len, rows)), model.tokenizer.pad_token_id or 0
    ids = torch.tensor([[pad] * (longest - len(row)) + row for row in rows])  # padded on the left
    mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows])
    state = torch.get_rng_state()
    torch.manual_seed(seed)
    with torch.no_grad():
        written = model.model.generate(
            input_ids=ids,
            attention_mask=mask,
            do_sample=True,
            temperature=temperature,
            top_k=0,
            top_p=1.0,
            min_new_tokens=tokens,
            max_new_tokens=tokens,
            pad_token_id=pad,
            watermarking_config=mark.config() if mark else None,
        )
    torch.set_rng_state(state)
    return written[:, longest:].tolist()


def reworded(model: "TransformersModel", ids: Sequence[int], share: float, *, seed: int = 0) -> list[int]:
    """A text in which some tokens were exchanged for others that fit there, by a model that knows nothing of the mark.

    Args:
        model: says what fits after what stands before.
        ids: the text.
        share: of the tokens that are exchanged, from 0 to 1.
        seed: of the choice.

    Raises:
        ValueError: a share outside [0, 1].
    """
    import torch

    if not 0 <= share <= 1:
        raise ValueError(f"share must be from 0 to 1, got {share}.")
    generator, new = torch.Generator().manual_seed(seed), list(ids)
    places = (1 + torch.randperm(len(ids) - 1, generator=generator))[: round(share * len(ids))].tolist()
    if not places:
        return new
    with torch.no_grad():
        logits = model.model(torch.tensor([list(ids)])).logits[0].float()  # (T, V)
    for place in places:
        probabilities = logits[place - 1].softmax(-1)
        probabilities[ids[place]] = 0  # another one
        best, order = probabilities.sort(descending=True)
        best[best.cumsum(0) - best > LIKELY * best.sum()] = 0
        new[place] = int(order[torch.multinomial(best, 1, generator=generator)])
    return new
