"""From a distribution to one token: temperature, top-k, top-p, then the draw.

Each function takes probabilities of shape (V,) that sum to 1, a float64 array or anything numpy turns into one,
and returns a new array of the same shape that sums to 1.  llama.cpp and transformers do the same arithmetic on
logits; here it is done on probabilities, so that every step can be looked at.
"""

import numpy as np


def apply_temperature(probabilities, temperature: float) -> np.ndarray:
    """Sharpen (temperature below 1) or flatten (above 1) a distribution.

    p_i' = p_i^(1/T) / sum_j p_j^(1/T), which equals softmax(logits / T).  Temperature 0 puts everything on the
    most probable token (the first of them if several tie): greedy decoding.

    Args:
        probabilities: shape (V,), sums to 1.
        temperature: 0 or more.

    Returns:
        Float64 array of shape (V,).

    Raises:
        ValueError: a negative temperature, or values that are no distribution.
    """
    p = _distribution(probabilities)
    if not 0 <= temperature < np.inf:
        raise ValueError(f"temperature must be 0 or more, got {temperature}. Use 0 for the most probable token only.")
    if temperature == 0:
        return np.eye(len(p))[p.argmax()]
    with np.errstate(divide="ignore", over="ignore"):
        log_p = np.log(p)
        scaled = np.exp((log_p - log_p.max()) / temperature)
    return scaled / scaled.sum()


def keep_top_k(probabilities, k: int) -> np.ndarray:
    """Keep the ``k`` most probable tokens, set the rest to 0 and renormalise.

    Raises:
        ValueError: ``k`` below 1, or values that are no distribution.
    """
    p = _distribution(probabilities)
    if k < 1:
        raise ValueError(f"k must be 1 or more, got {k}.")
    return _keep(p, _most_probable_first(p)[:k])


def keep_top_p(probabilities, top_p: float) -> np.ndarray:
    """Keep the smallest set of most probable tokens whose probabilities reach ``top_p``; renormalise.

    Source: Holtzman et al., arXiv:1904.09751, section 3.1 (nucleus sampling).

    Raises:
        ValueError: ``top_p`` outside (0, 1], or values that are no distribution.
    """
    p = _distribution(probabilities)
    if not 0 < top_p <= 1:
        raise ValueError(f"top_p must be above 0 and at most 1, got {top_p}. Use 1 to keep every token.")
    if top_p == 1:
        return p
    order = _most_probable_first(p)
    before = np.cumsum(p[order]) - p[order]  # (V,) mass of the tokens ahead of each one
    return _keep(p, order[before < top_p])


def draw(probabilities, seed: int | None = None) -> int:
    """Draw the index of one token from a distribution; the same seed draws the same one."""
    p = _distribution(probabilities)
    return int(np.random.default_rng(seed).choice(len(p), p=p))


def _most_probable_first(p: np.ndarray) -> np.ndarray:
    return np.argsort(-p, kind="stable")


def _keep(p: np.ndarray, kept: np.ndarray) -> np.ndarray:
    out = np.zeros_like(p)
    out[kept] = p[kept]
    return out / out.sum()


def _distribution(probabilities) -> np.ndarray:
    p = np.asarray(probabilities, dtype=np.float64)
    if p.ndim != 1 or p.size == 0:
        raise ValueError(f"expected a list of probabilities, got an array of shape {p.shape}.")
    if not np.all(p >= 0) or not np.isclose(p.sum(), 1, atol=1e-3):
        raise ValueError(
            f"expected probabilities that sum to 1, got values from {p.min():g} to {p.max():g} that sum to {p.sum():g}."
        )
    return p / p.sum()
