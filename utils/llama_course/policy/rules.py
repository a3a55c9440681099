"""Rules for models as far as they can be counted: thresholds and duties of the EU's AI Act, promises of July 2023.

No legal advice: lines drawn here in a few words have many pages behind them.
"""

from dataclasses import dataclass

from llama_course import paths
from llama_course.policy.published import PublishedRows, Source
from llama_course.policy.training_cost import training_flop
from llama_course.policy.training_runs import runs

WHOM = ("everybody", "unless open", "systemic risk")
BELOW, GENERAL, SYSTEMIC = "below the line", "general-purpose", "systemic risk presumed"


@dataclass(frozen=True)
class Duty:
    """What a maker has to do."""

    id: str
    article: str  # "53(1)(a)"
    plain: str
    whom: str  # one of WHOM
    source: Source

    def __post_init__(self):
        if self.whom not in WHOM:
            raise ValueError(f"whom is one of {', '.join(WHOM)}")


@dataclass(frozen=True)
class Promise:
    """One of the voluntary commitments, in our words."""

    id: str
    about: str  # safety, security or trust
    plain: str
    source: Source


@dataclass(frozen=True)
class PublishedSize:
    """A model's parameters, those active for a token, and the tokens that it read."""

    id: str
    model: str
    parameters: int
    tokens: int
    source: Source


ROWS = PublishedRows(paths.data_file("policy/rules.json"), duties=Duty, promises=Promise, models=PublishedSize)
figure, statement = ROWS.figure, ROWS.statement


def promises() -> dict[str, Promise]:
    """The eight commitments by id."""
    return ROWS.rows["promises"]


def duties() -> dict[str, Duty]:
    """All duties by id."""
    return ROWS.rows["duties"]


def level(flop: float) -> str:
    """On which side of the two lines a model lies: BELOW, GENERAL or SYSTEMIC.

    Both lines are crossed by *more* than their number.  The first is the Commission's guide, not law; the second is a
    presumption, which a maker may contest.

    Raises:
        ValueError: not above 0.
    """
    if not flop > 0:
        raise ValueError(f"expected operations above 0, got {flop}.")
    if flop > figure("systemic").value:
        return SYSTEMIC
    return GENERAL if flop > figure("general-purpose").value else BELOW


def duties_of(flop: float, *, open_licence: bool) -> list[Duty]:
    """The duties of a maker whose model takes so many operations to train.

    Args:
        flop: operations, 6 · parameters · tokens.
        open_licence: whether anybody may use, change and pass on the model, without a gate for large users, for free,
            and weights, architecture and use are public.  The exemption spares some duties, and none above the second
            line.
    """
    reached = level(flop)
    if reached == BELOW:
        return []
    spared = open_licence and reached == GENERAL
    return [
        duty
        for duty in duties().values()
        if duty.whom == "everybody"
        or (duty.whom == "unless open" and not spared)
        or (duty.whom == "systemic risk" and reached == SYSTEMIC)
    ]


def computed_models() -> dict[str, float]:
    """Operations that training took, by the name of the model, the fewest first; published runs and sizes."""
    found = {run.model: run.flop for run in runs().values()}
    found |= {row.model: training_flop(row.parameters, row.tokens) for row in ROWS.rows["models"].values()}
    return dict(sorted(found.items(), key=lambda item: item[1]))
