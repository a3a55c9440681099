"""What training a model takes: operations, GPU hours, dollars, energy, carbon, each as a range.

The defaults are not opinions: they are the lowest and the highest values among published runs and prices
(``policy.training_runs``).

Left out: everything but the final run.  Failed and trial runs, people, data, buildings, and the making of the cards
come on top.
"""

from dataclasses import dataclass

from llama_course.policy.training_runs import SECONDS_PER_HOUR, figure, runs


@dataclass(frozen=True)
class Range:
    """From low to high, because an estimate is not a point."""

    low: float
    high: float

    def __post_init__(self):
        if not 0 < self.low <= self.high < float("inf"):
            raise ValueError(f"a range goes from a number above 0 to one that is as large or larger, got {self}.")

    def __mul__(self, other: "Range | float") -> "Range":
        other = as_range(other)
        return Range(self.low * other.low, self.high * other.high)

    __rmul__ = __mul__

    def __rtruediv__(self, numerator: float) -> "Range":
        """A number divided by a range: the larger the divisor, the smaller the result."""
        return Range(numerator / self.high, numerator / self.low)

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def __format__(self, spec: str) -> str:
        low, high = format(self.low, spec), format(self.high, spec)
        return low if low == high else f"{low} to {high}"

    def __str__(self) -> str:
        return f"{self:,.4g}"


@dataclass(frozen=True)
class TrainingCost:
    """What one training run takes."""

    flop: float  # operations in all
    gpu_hours: Range
    cost_dollars: Range  # what renting the cards for so long costs
    energy_kwh: Range
    carbon_t: Range  # tonnes of CO2 equivalent, before any offsetting

    def __str__(self) -> str:
        return (
            f"{self.flop:.1e} operations, {self.gpu_hours:,.0f} GPU hours, {self.cost_dollars:,.0f} dollars, "
            f"{self.energy_kwh:,.0f} kWh, {self.carbon_t:,.1f} tonnes of CO2"
        )


def training_flop(parameters: float, tokens: float) -> float:
    """Operations to train a model: 6 · N · D.

    Each parameter and token take 2 operations forwards (a product and a sum) and 4 backwards (the same for the gradient
    of the parameter, and again for what is passed on to the layer below).

    Args:
        parameters: N.
        tokens: D, those read in training; a token read twice counts twice.

    Left out: the products of tokens with tokens in attention, which grow with the length of the text.
    Source: Kaplan et al., arXiv:2001.08361, section 2.1.
    """
    if not (parameters > 0 and tokens > 0):
        raise ValueError(f"expected parameters and tokens above 0, got {parameters} and {tokens}.")
    return 6 * parameters * tokens


def training_cost(
    parameters: float,
    tokens: float,
    *,
    peak_flop_per_s: float | None = None,
    utilisation: "Range | tuple | float | None" = None,
    dollars_per_gpu_hour: "Range | tuple | float | None" = None,
    power_w: "Range | tuple | float | None" = None,
    carbon_kg_per_kwh: "Range | tuple | float | None" = None,
) -> TrainingCost:
    """What training takes, from the size of the model and the length of the text.

    Args:
        parameters: N.
        tokens: D.
        peak_flop_per_s: what a card can do at best; an A100's by default.
        utilisation: share of the peak that is reached, above 0 and up to 1; by default what published runs reached.
        dollars_per_gpu_hour: rent of a card; by default the A100's two prices among the figures.
        power_w: of one card; by default those of the published runs on the A100.
        carbon_kg_per_kwh: of the electricity; by default what Meta's cards imply.

    Returns:
        A :class:`TrainingCost`; of each pair of numbers you give, (low, high), both ends count.

    Raises:
        ValueError: a number of 0 or less, a utilisation above 1, a range the wrong way round.
    """
    share = as_range(published_utilisation() if utilisation is None else utilisation)
    if share.high > 1:
        raise ValueError(f"utilisation is a share of the peak, at most 1, got {share.high:g}.")
    flop = training_flop(parameters, tokens)
    peak = figure("a100-peak").value if peak_flop_per_s is None else peak_flop_per_s
    gpu_hours = flop / (as_range(peak) * share * SECONDS_PER_HOUR)
    rent = published_rent() if dollars_per_gpu_hour is None else as_range(dollars_per_gpu_hour)
    energy_kwh = gpu_hours * (published_power() if power_w is None else as_range(power_w)) * 1e-3
    carbon = published_carbon() if carbon_kg_per_kwh is None else as_range(carbon_kg_per_kwh)
    return TrainingCost(flop, gpu_hours, gpu_hours * rent, energy_kwh, energy_kwh * carbon * 1e-3)


def as_range(value: "Range | tuple | float") -> Range:
    """A number as a range of one point, a pair as a range."""
    if isinstance(value, Range):
        return value
    low, high = value if isinstance(value, tuple | list) else (value, value)
    return Range(low, high)


def published_utilisation() -> Range:
    """Share of the peak that the published runs reached."""
    return _spread(row.utilisation for row in runs().values())


def published_rent() -> Range:
    """Dollars for an hour of an A100: MPT-7B's maker, and Amazon's list price."""
    return Range(figure("rent-low").value, figure("rent-high").value)


def published_power() -> Range:
    """Watts of an A100 in the published runs."""
    return _spread(row.power_w for row in runs().values() if row.accelerator == "A100" and row.power_w)


def published_carbon() -> Range:
    """Kilograms of CO2 equivalent for a kWh, as tonnes and hours on Meta's cards imply."""
    return _spread(1000 * row.carbon_t / row.energy_kwh for row in runs().values() if row.carbon_t and row.power_w)


def _spread(values) -> Range:
    values = list(values)
    return Range(min(values), max(values))
