"""Rollouts: the answers that a policy draws to many prompts at once, laid out for a loss.

Shapes: B answers, T tokens of the longest prompt with its answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from llama_course.models.llama import KVCache, Llama, sample
from llama_course.models.prompts import llama_2_token_ids
from llama_course.training.optimization import device_of
from llama_course.training.reward_models import padded


@dataclass(frozen=True)
class Rollouts:
    """Prompts with their answers, padded on the right."""

    input_ids: Tensor  # (B, T), int64
    response_mask: Tensor  # (B, T), bool: the tokens of the answer, its EOS included
    lengths: Tensor  # (B,), tokens without padding

    def response_ids(self) -> list[tuple[int, ...]]:
        """The token ids of each answer, EOS included where the policy ended it."""
        return [tuple(ids[mask].tolist()) for ids, mask in zip(self.input_ids, self.response_mask, strict=True)]

    def sequences(self) -> list[tuple[int, ...]]:
        """The token ids of each prompt with its answer, without padding."""
        return [tuple(ids[:length].tolist()) for ids, length in zip(self.input_ids, self.lengths, strict=True)]


RewardOf = Callable[[list[int], Rollouts], Tensor]  # numbers of the prompts, their answers -> rewards, shape (B,)


@torch.no_grad()
def sample_responses(
    policy: Llama,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int = 48,
    *,
    temperature: float = 1.0,
    seed: int = 0,
    pad_token_id: int = 0,
) -> Rollouts:
    """Draw one answer to each prompt; prompts of different lengths go side by side.

    All rows are read up to the end of the shortest prompt.  From there on each row takes its next prompt token while
    it has one, and a drawn token afterwards.  This is how Meta's own ``generation.py`` does it: no row needs padding
    on the left, so no attention mask is needed.

    Args:
        policy: draws the answers, one token after another, until its EOS.
        prompts: B sequences of token ids, BOS and chat format included.
        max_new_tokens: most tokens of an answer, EOS included.
        temperature: 1 draws from the policy itself; 0 takes the most probable token.
        seed: the same one draws the same answers on the same kind of device.
        pad_token_id: fills up the shorter rows.

    Raises:
        EmptyDataError: no prompt, or one without tokens.
        ValueError: a prompt and its answer do not fit into the context.
    """
    device, longest_prompt = device_of(policy), policy.config.max_position_embeddings - max_new_tokens
    given, prompt_lengths = padded(prompts, pad_token_id, longest_prompt, device)  # (B, longest prompt), (B,)
    longest, shortest = given.shape[1], int(prompt_lengths.min())
    input_ids = given.new_full((len(prompts), longest + max_new_tokens), pad_token_id)  # (B, T)
    input_ids[:, :longest] = given
    lengths = prompt_lengths + max_new_tokens  # so long at most; shorter where an EOS comes
    generator = torch.Generator(device).manual_seed(seed)
    cache = KVCache(policy, len(prompts), input_ids.shape[1])
    new = input_ids[:, :shortest]
    for place in range(shortest, input_ids.shape[1]):
        drawn = sample(policy.next_token_logits(new, cache), temperature, 1.0, generator)  # (B,)
        writes = (place >= prompt_lengths) & (place < lengths)  # neither still in the prompt nor at the end
        input_ids[:, place] = torch.where(writes, drawn, input_ids[:, place])
        lengths = torch.where(writes & (drawn == policy.config.eos_token_id), place + 1, lengths)
        if (lengths <= place + 1).all():
            break
        new = input_ids[:, place : place + 1]
    input_ids = input_ids[:, : int(lengths.max())]
    places = torch.arange(input_ids.shape[1], device=device)
    mask = (places >= prompt_lengths[:, None]) & (places < lengths[:, None])  # (B, T)
    return Rollouts(input_ids, mask, lengths)


def prompt_ids(question: str, encode: Callable[[str], Sequence[int]], system: str | None = None) -> tuple[int, ...]:
    """A question as a policy reads it, in the Llama 2 chat format.

    Args:
        question: what is asked.
        encode: text to ids, without BOS.
        system: a system prompt; none by default.
    """
    messages = [{"role": "system", "content": system}] if system else []
    return tuple(llama_2_token_ids([*messages, {"role": "user", "content": question}], encode))


def answers_of(
    policy: Llama,
    tokenizer,
    questions: Sequence[str],
    *,
    system: str | None = None,
    max_new_tokens: int = 64,
    temperature: float = 0.0,
    seed: int = 0,
    batch_size: int = 128,
) -> list[str]:
    """What a policy answers.

    Args:
        policy: draws the answers.
        tokenizer: a ``tokenizers.Tokenizer``.
        questions: each asked by itself.
        system: a system prompt for all of them.
        max_new_tokens: most tokens of an answer.
        temperature: 0 takes the most probable token each time.
        seed: of the draw, with a temperature above 0.
        batch_size: how many are answered side by side.

    Returns:
        One text for each question, in order.

    Raises:
        ValueError: one text instead of several; a question that does not fit into the context with its answer.
        SpecialTagsError: a question with a marker of the chat format in it.
    """
    if isinstance(questions, str):
        raise ValueError(f"expected several questions, such as [{questions!r:.40}], got one text.")
    prompts = [
        prompt_ids(question, lambda text: tokenizer.encode(text, add_special_tokens=False).ids, system)
        for question in questions
    ]
    answers = [""] * len(prompts)
    by_length = sorted(range(len(prompts)), key=lambda number: len(prompts[number]))  # less waiting for each other
    for start in range(0, len(prompts), batch_size):
        numbers = by_length[start : start + batch_size]
        drawn = sample_responses(
            policy,
            [prompts[number] for number in numbers],
            max_new_tokens,
            temperature=temperature,
            seed=seed * 1_000_003 + start,
        )
        for number, answer in zip(numbers, drawn.response_ids(), strict=True):
            answers[number] = tokenizer.decode(answer, skip_special_tokens=True).strip()
    return answers
