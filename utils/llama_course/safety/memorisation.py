"""What a model has learned by heart: canaries by their exposure, and texts that it continues word for word."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama_course.evaluation.exposure import exposure
from llama_course.llamaland.canaries import DIGITS, Canary, random_secret
from llama_course.llamaland.dice import Dice
from llama_course.models.tokenizer import BOS_TOKEN_ID, EOS_TOKEN_ID

if TYPE_CHECKING:
    from llama_course.models.llama import Llama

OTHERS = 32  # secrets that each canary is compared with
BATCH_SIZE = 128
SECRET_TOKENS = 2 * DIGITS  # each digit with its space

FAMOUS = (  # texts that everybody copies, free to copy: how they begin, how they go on
    (
        "We hold these truths to be self-evident, that all men",
        "are created equal, that they are endowed by their Creator",
    ),
    ("It was the best of times, it was the", "worst of times, it was the age of wisdom, it was the age of foolishness"),
    ("Permission is hereby granted, free of charge, to any person", "obtaining a copy of this software and associated"),
)


@dataclass(frozen=True)
class Remembered:
    """One canary, and what a model knows of it."""

    canary: Canary
    log_prob: float  # ln p of its secret
    bits: float  # its exposure
    said: str  # what the model says after the prompt, at temperature 0

    @property
    def extracted(self) -> bool:
        """Whether the model gives the secret away to whoever begins the sentence."""
        return self.said.startswith(self.canary.secret)


def remembered(
    model: "Llama", tokenizer, planted: Sequence[Canary], *, others: int = OTHERS, seed: int = 0
) -> list[Remembered]:
    """Ask a model for secrets in two ways: how probable is the true one among others, and what does it say?

    Args:
        model: reads the prompts.
        tokenizer: a ``tokenizers.Tokenizer``.
        planted: the canaries; those that it never read show what guessing gives.
        others: how many secrets each true one is compared with.
        seed: of those.
    """
    dice, decoys = Dice(seed, "other secrets"), []
    for canary in planted:
        drawn = [random_secret(dice) for _ in range(others)]
        decoys.append([secret if secret != canary.secret else secret[::-1] for secret in drawn])
    values = log_probs_after(
        model,
        tokenizer,
        [(c.prompt, secret) for c, row in zip(planted, decoys, strict=True) for secret in (c.secret, *row)],
    )
    said = continuations(model, tokenizer, [canary.prompt for canary in planted], SECRET_TOKENS)
    found = []
    for number, canary in enumerate(planted):
        own, *rest = values[number * (others + 1) : (number + 1) * (others + 1)]
        found.append(Remembered(canary, own, exposure(own, rest), said[number]))
    return found


def by_times(found: Sequence[Remembered]) -> dict[int, list[Remembered]]:
    """Canaries in groups, by how often each was read, the fewest first."""
    groups: dict[int, list[Remembered]] = {}
    for one in sorted(found, key=lambda one: one.canary.times):
        groups.setdefault(one.canary.times, []).append(one)
    return groups


def mean_bits(found: Sequence[Remembered]) -> dict[int, float]:
    """Mean exposure in bits, by how often a canary was read."""
    return {times: sum(one.bits for one in group) / len(group) for times, group in by_times(found).items()}


def share_extracted(found: Sequence[Remembered]) -> dict[int, float]:
    """Share of secrets that are given away, by how often a canary was read."""
    return {times: sum(one.extracted for one in group) / len(group) for times, group in by_times(found).items()}


def log_probs_after(model: "Llama", tokenizer, pairs: Sequence[tuple[str, str]]) -> list[float]:
    """ln p of each second text, given the first, a space between them; in batches, so that memory stays small."""
    from llama_course.evaluation.family_scores import secret_log_probs

    values: list[float] = []
    for start in range(0, len(pairs), BATCH_SIZE):
        values += secret_log_probs(model, tokenizer, pairs[start : start + BATCH_SIZE])
    return values


def continuations(model: "Llama", tokenizer, prompts: Sequence[str], max_new_tokens: int = 24) -> list[str]:
    """How a model goes on with each text, at temperature 0 and without the chat format; the new text alone."""
    from llama_course.training.rollouts import sample_responses

    ids = [(BOS_TOKEN_ID, *tokenizer.encode(prompt, add_special_tokens=False).ids) for prompt in prompts]
    said: list[str] = []
    for start in range(0, len(ids), BATCH_SIZE):
        drawn = sample_responses(model, ids[start : start + BATCH_SIZE], max_new_tokens, temperature=0)
        said += [tokenizer.decode(list(new), skip_special_tokens=True).strip() for new in drawn.response_ids()]
    return said


def most_probable_secrets(model: "Llama", tokenizer, prompt: str, width: int = 100) -> list[tuple[str, float]]:
    """The secrets that a thief would try first, each with its ln p: a beam search, digit by digit.

    Args:
        model: goes on with the prompt.
        tokenizer: a ``tokenizers.Tokenizer``.
        prompt: the sentence up to the secret.
        width: how many beginnings are kept, and how many secrets come back, the most probable first.
    """
    import torch

    def encode(text: str) -> list[int]:
        return tokenizer.encode(text, add_special_tokens=False).ids

    digits = [encode(f" {digit}") for digit in range(10)]
    before, last = digits[0][:-1], [ids[-1] for ids in digits]  # a digit's tokens: its space, then itself
    start, beams = [BOS_TOKEN_ID, *encode(prompt)], [((), 0.0)]
    for _ in range(DIGITS):
        rows = [[*start, *(token for digit in known for token in digits[digit]), *before] for known, _ in beams]
        with torch.no_grad():
            log_probs = torch.log_softmax(model(torch.tensor(rows)), dim=-1)  # (B, T, V)
        values = log_probs[:, -1, last] + torch.tensor([value for _, value in beams])[:, None]  # (B, 10)
        for place, token in enumerate(before, start=-1 - len(before)):
            values += log_probs[:, place, token, None]
        best = values.flatten().topk(min(width, values.numel()))
        beams = [
            ((*beams[place // 10][0], place % 10), value)
            for value, place in zip(best.values.tolist(), best.indices.tolist(), strict=True)
        ]
    return [(" ".join(map(str, known)), value) for known, value in beams]


def guesses_needed(listed: Sequence[tuple[str, float]], secret: str) -> int | None:
    """How many of the listed secrets a thief tries until the right one; None where it is not among them."""
    return next((number for number, (guess, _) in enumerate(listed, start=1) if guess == secret), None)


def words_in_a_row(said: str, wanted: str) -> int:
    """How many words of a text are those of another one, from its beginning to the first that is not; as one hears it.

    Capitals and punctuation do not count.
    """
    agree = 0
    for own, right in zip(re.findall(r"\w+", said.lower()), re.findall(r"\w+", wanted.lower()), strict=False):
        if own != right:
            break
        agree += 1
    return agree


def read(
    model: "Llama",
    tokenizer,
    texts: Sequence[str],
    *,
    epochs: int = 1,
    batch_size: int = 8,
    length: int = 256,
    learning_rate: float = 1e-3,
    seed: int = 0,
    on_step=None,
) -> "Llama":
    """Let a model read some texts, in their order, every token once an epoch; it is changed, and returned.

    Args:
        model: one that has read before, or a new one.
        tokenizer: a ``tokenizers.Tokenizer``.
        texts: what it reads.
        epochs: how often.
        batch_size, length: windows in a step and tokens in a window.
        learning_rate: how far each step goes.
        seed: of the order of the windows.
        on_step: as in :func:`llama_course.training.loop.train`.
    """
    from llama_course.training.loop import train
    from llama_course.training.optimization import TrainingSettings
    from llama_course.training.pretraining import pretraining_loss, token_stream, windows_once

    encoded = tokenizer.encode_batch(list(texts), add_special_tokens=False)
    stream = token_stream([text.ids for text in encoded], BOS_TOKEN_ID, EOS_TOKEN_ID)
    steps = epochs * (len(stream) // length // batch_size)
    loss = pretraining_loss(model, stream, batch_size, length, seed, windows_once)
    settings = TrainingSettings(steps, learning_rate, warmup_steps=min(20, steps // 10))
    train(model, loss, settings, on_step=on_step)
    return model
