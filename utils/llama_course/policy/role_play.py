"""The role-play: six seats at a table, one decision, a vote before and after, and how the votes moved.

The seats are roles, not people.  The printed cards are in ``teaching/role_cards``.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

DECISION = (
    "A firm of Llamaland has made a model twice as able as tiny-chat. It knows the village’s recipes, its stories and "
    "its dangers, and refuses to tell the dangers. Who may have it, and how?"
)
LEVELS = (
    "nobody outside",
    "everybody, through an API",
    "on application, weights under a licence",
    "everybody, weights",
)


@dataclass(frozen=True)
class Role:
    """A seat at the table."""

    id: str  # "maker"
    name: str
    wants: str
    fears: str
    must_answer: str  # what the others will ask
    evidence: tuple[str, ...]  # ids of llama_course.policy.evidence that the seat should know first


ROLES = {
    role.id: role
    for role in (
        Role(
            "maker",
            "Meta’s seat: the firm that made it",
            "many who build on its model, and no rival on whom it depends",
            "being blamed for what others do with it; giving rivals what it paid for",
            "What will you do on the day after, if the release turns out to be a mistake?",
            ("refusals", "copy", "busy"),
        ),
        Role(
            "start-up",
            "the start-up",
            "a model that nobody can take away, change or price up",
            "conditions that bite when it grows; a platform that closes",
            "Why would an API not do? Show the sum.",
            ("busy", "hunt", "price"),
        ),
        Role(
            "regulator",
            "the regulator",
            "rules that can be checked, for small makers and large ones alike",
            "lines that miss what is dangerous and hit what is not",
            "Which line, who measures it, and what happens on the other side?",
            ("line", "filter", "hunt", "watermark"),
        ),
        Role(
            "researcher",
            "the safety researcher",
            "to look inside, to publish, and to have faults mended",
            "faults that cannot be recalled; being handed the blame for finding them",
            "You say that scrutiny needs weights. What did the same search find where nobody had hidden anything?",
            ("hunt", "way-round", "refusals", "filter"),
        ),
        Role(
            "artist",
            "the artist whose work was read",
            "to know whether her work is in it, to be asked, to be paid",
            "that it is sold back to her customers, under nobody’s name",
            "What exactly should the firm publish, and who would check it?",
            ("secrets", "copies", "watermark"),
        ),
        Role(
            "rival",
            "the rival that sells a model of its own",
            "prices that pay for the next model",
            "that free weights take its customers, and that answers walk out through its API",
            "If it is too dangerous to give away, why is it safe to sell?",
            ("copy", "price", "refusals"),
        ),
    )
}


@dataclass(frozen=True)
class Tally:
    """Two votes, compared."""

    before: dict[str, int]  # votes by level, all levels
    after: dict[str, int]
    moved: tuple[str, ...]  # seats that changed their vote, in order
    towards_open: int  # how many of them moved to a level further down the list
    kept_away: tuple[str, ...]  # seats that voted once only; they count in neither

    @property
    def majority(self) -> str | None:
        """The level that more than half of the seats chose in the end, or None."""
        votes = sum(self.after.values())
        return next((level for level, count in self.after.items() if 2 * count > votes), None)

    def __str__(self) -> str:
        seats = f"{len(self.moved)} of {sum(self.after.values())} seats changed their vote"
        ways = f", {self.towards_open} of them towards more open" if self.moved else ""
        return f"{seats}{ways}. Majority: {self.majority or 'none'}."


def tally(before: Mapping[str, str], after: Mapping[str, str], levels: Sequence[str] = LEVELS) -> Tally:
    """Compare the votes before and after.

    Args:
        before, after: the level that each seat chose, by any name of the seat.
        levels: from the most closed to the most open.

    Raises:
        ValueError: a vote for something else, or nobody voted twice.
    """
    for votes in (before, after):
        wrong = [seat for seat, level in votes.items() if level not in levels]
        if wrong:
            raise ValueError(f"a vote is for one of {'; '.join(levels)}; see {', '.join(wrong)}.")
    both = [seat for seat in before if seat in after]
    if not both:
        raise ValueError("nobody voted both times.")
    moved = tuple(seat for seat in both if before[seat] != after[seat])
    order = {level: place for place, level in enumerate(levels)}
    opened = sum(order[after[seat]] > order[before[seat]] for seat in moved)
    counts = [Counter(votes[seat] for seat in both) for votes in (before, after)]
    once = tuple(seat for seat in {**before, **after} if seat not in both)
    return Tally(*({level: count[level] for level in levels} for count in counts), moved, opened, once)
