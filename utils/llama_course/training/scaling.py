"""A scaling law: how the loss falls when models get larger, fitted to small ones and read off for one not yet trained.

Source: Kaplan et al., arXiv:2001.08361; the form with a floor: Hoffmann et al., arXiv:2203.15556, section 3.3.
Left out: their second term, for the length of the text; here all models read equally much.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

EXPONENTS = np.arange(0.02, 2.0, 0.002)


@dataclass(frozen=True)
class ScalingLaw:
    """loss(N) = floor + scale · N^(−exponent)."""

    floor: float  # nats: what no size would remove
    scale: float  # nats, at one parameter
    exponent: float  # how fast size helps

    def loss(self, parameters):
        """Predicted loss in nats for a number of parameters, or for an array of them."""
        return self.floor + self.scale * np.asarray(parameters, dtype=float) ** -self.exponent

    def __str__(self) -> str:
        return f"loss = {self.floor:.2f} + {self.scale:.3g} · N^(−{self.exponent:.2f})"


def fit_scaling_law(parameters: Sequence[float], losses: Sequence[float]) -> ScalingLaw:
    """The law that is closest to some measured losses.

    For each exponent of a fine grid the best floor and scale follow from linear least squares; the exponent with the
    smallest relative errors wins.  A floor below 0, which no loss can have, is set to 0.

    Args:
        parameters: N of each model, at least three different ones.
        losses: in nats, in the same order, all above 0.

    Raises:
        ValueError: too few sizes, numbers of 0 or less, or a loss that grows with size.
    """
    n, losses = np.asarray(parameters, dtype=float), np.asarray(losses, dtype=float)
    if n.shape != losses.shape or len(np.unique(n)) < 3 or not ((n > 0).all() and (losses > 0).all()):
        raise ValueError(
            f"expected a loss above 0 for each of three sizes or more, got {len(losses)} losses and "
            f"{len(np.unique(n))} sizes."
        )
    fits = [fit for exponent in EXPONENTS if (fit := _fit(n, losses, exponent)) is not None]
    if not fits:
        raise ValueError("these losses do not fall with size: there is no law to fit.")
    _, law = min(fits, key=lambda fit: fit[0])
    return law


def _fit(n, losses, exponent: float) -> tuple[float, ScalingLaw] | None:
    """Squared relative error and law for one exponent; None where the scale is not above 0."""
    powers = n**-exponent
    columns = np.stack([np.ones_like(n), powers], axis=1) / losses[:, None]  # relative: each size counts alike
    (floor, scale), *_ = np.linalg.lstsq(columns, np.ones_like(n), rcond=None)
    if floor < 0:
        relative = powers / losses
        floor, scale = 0.0, float(relative.sum() / (relative**2).sum())
    if not scale > 0:
        return None
    law = ScalingLaw(float(floor), float(scale), float(exponent))
    return float(((law.loss(n) / losses - 1) ** 2).sum()), law
