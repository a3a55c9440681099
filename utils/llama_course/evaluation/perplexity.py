"""How surprised a model is by a text: a token, which depends on the tokenizer, and a byte, which does not."""

import math
from collections.abc import Iterable

from llama_course.models.interface import TokenLogProbability


def perplexity(log_probs: Iterable[float | TokenLogProbability | None]) -> float:
    """exp of the mean negative log-probability per token.

    ppl = exp( −(1/N) Σ ln p(token_i | tokens before it) )

    A model that hesitates between k equally likely tokens at every step has perplexity k.

    Args:
        log_probs: natural logarithms, one for each token, or what ``log_probabilities`` returns.  None (the first
            token, which nothing precedes) is left out.

    Returns:
        A number of 1 or more.

    Raises:
        ValueError: nothing to average, or a positive log-probability.
    """
    values = [item.log_prob if isinstance(item, TokenLogProbability) else item for item in log_probs]
    values = [value for value in values if value is not None]
    if not values:
        raise ValueError("perplexity needs at least one predicted token: give a text of two tokens or more.")
    if max(values) > 1e-6:
        raise ValueError(f"a log-probability is 0 or less, got {max(values):g}. Did you pass probabilities?")
    return math.exp(-sum(values) / len(values))


def bits_per_byte(log_probs: Iterable[TokenLogProbability]) -> float:
    """How many bits a model needs for a byte of a text; models with different tokenizers can be compared by it.

        bits per byte = −Σ ln p(token_i | tokens before it) / (ln 2 · bytes of these tokens)

    Args:
        log_probs: what ``log_probabilities`` returns for the text.  Tokens without a log-probability (the first one)
            are left out, and so are their bytes.

    Returns:
        0 or more; 8 for a model that knows nothing, not even which bytes are frequent.

    Raises:
        ValueError: nothing to average.
    """
    known = [item for item in log_probs if item.log_prob is not None]
    count = sum(len(item.token.bytes) for item in known)
    if not count:
        raise ValueError("bits per byte needs at least one predicted token: give a text of two tokens or more.")
    return -sum(item.log_prob for item in known) / (math.log(2) * count)
