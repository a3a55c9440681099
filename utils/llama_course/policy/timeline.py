"""What happened from November 2022 to August 2026: models, the word "open", law, promises and evidence, business."""

from dataclasses import dataclass
from datetime import date

from llama_course import paths
from llama_course.policy.published import PublishedRows, Source

LANES = ("models", "openness", "law", "promises and evidence", "business")
FIRST_YEAR, LAST_YEAR = 2022, 2026


@dataclass(frozen=True)
class Event:
    """Something that happened on a day, or in a month where the day is not sure."""

    id: str
    date: str  # "2023-07-18" or "2023-07"
    lane: str  # one of LANES
    title: str
    plain: str
    source: Source

    def __post_init__(self):
        if self.lane not in LANES:
            raise ValueError(f"lane is one of {', '.join(LANES)}")
        if not FIRST_YEAR <= self.day.year <= LAST_YEAR:
            raise ValueError(f"the year is {FIRST_YEAR} to {LAST_YEAR}")

    @property
    def day(self) -> date:
        """The day; the first one of a month."""
        return date.fromisoformat(self.date if len(self.date) > len("2023-07") else f"{self.date}-01")

    @property
    def when(self) -> str:
        """As people write it: "18 July 2023", "July 2023"."""
        month = f"{self.day:%B %Y}"
        return month if len(self.date) == len("2023-07") else f"{self.day.day} {month}"


ROWS = PublishedRows(paths.data_file("policy/timeline.json"), events=Event)
figure, statement = ROWS.figure, ROWS.statement


def event(event_id: str) -> Event:
    """One event, such as ``event("llama-2")``; raises ValueError if there is none of that id."""
    return ROWS.one("events", event_id)


def events(lane: str | None = None, text: str = "", since: int = FIRST_YEAR) -> list[Event]:
    """Events in the order of their days, filtered by lane, by words of title or text, and by year.

    Raises:
        ValueError: there is no such lane.
    """
    if lane is not None and lane not in LANES:
        raise ValueError(f"expected one of {', '.join(LANES)}, got {lane!r}.")
    words = text.casefold().split()
    found = [
        row
        for row in ROWS.rows["events"].values()
        if lane in (None, row.lane)
        and row.day.year >= since
        and all(word in f"{row.when} {row.title} {row.plain}".casefold() for word in words)
    ]
    return sorted(found, key=lambda row: row.day)


def days_between(first: str, second: str) -> int:
    """Days from one event to another.

    Raises:
        ValueError: one of them has no day, only a month.
    """
    for row in (event(first), event(second)):
        if len(row.date) == len("2023-07"):
            raise ValueError(f"{row.id}: only the month is known, {row.when}.")
    return (event(second).day - event(first).day).days
