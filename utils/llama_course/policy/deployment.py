"""Where models run: cards with their memory and its speed, a phone, and who can enforce what in each place."""

from dataclasses import dataclass

from llama_course import paths
from llama_course.policy.published import PublishedRows, Source


@dataclass(frozen=True)
class Accelerator:
    """A card that models run on."""

    id: str
    name: str
    memory_gb: float  # as it is sold
    bandwidth_gb_per_s: float  # how fast its memory is read at best
    peak_tflop_per_s: float  # 10¹² operations a second in 16 bits, at best
    source: Source


ROWS = PublishedRows(paths.data_file("policy/deployment.json"), devices=Accelerator)
figure, statement = ROWS.figure, ROWS.statement


def devices() -> dict[str, Accelerator]:
    """The cards by id, slowest memory first."""
    rows = ROWS.rows["devices"].values()
    return {row.id: row for row in sorted(rows, key=lambda row: row.bandwidth_gb_per_s)}


@dataclass(frozen=True)
class Measure:
    """Something a provider can do to keep a policy, and whether it can in each place."""

    what: str
    data_centre: str  # behind an API
    phone: str  # on a device of its owner


MEASURES = (
    Measure("see what is asked and answered", "yes", "no: nothing leaves the phone"),
    Measure(
        "filter prompts and answers", "yes, with another model if need be", "only inside an app, which can be changed"
    ),
    Measure("limit how much one user asks", "yes", "no"),
    Measure("shut somebody out", "yes, an account", "no: the file is there"),
    Measure("take the model back, or mend it", "yes, for all at once", "an update, for those who take it"),
    Measure("know that the rules were broken", "from its own logs", "if somebody reports it"),
    Measure("end the licence", "yes", "yes, on paper"),
    Measure("rely on what the model itself refuses", "yes", "yes, until somebody trains it away (lesson 10)"),
)
