"""Compare two answers, again and again, as the annotators of Llama 2 did; every choice is kept at once."""

import hashlib
import json
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from llama_course import files, paths
from llama_course.evaluation.comparisons import TwoAnswers, preference_of
from llama_course.llamaland.annotators import Preference, Rating
from llama_course.widgets.base import LiveView
from llama_course.widgets.html import Markup, code, join, paragraph, table

SCHEMA = 1
ANSWERS = (("Answer A", "a"), ("Answer B", "b"))
DEGREES = tuple((rating.label, int(rating)) for rating in sorted(Rating, reverse=True))


def labels_file() -> Path:
    """Where the learner's own labels lie, beside the progress."""
    return paths.progress_file().with_name("labels.json")


def key_of(pair: TwoAnswers) -> str:
    """Tells pairs apart by their texts, so that a label never lands on another pair."""
    text = "\0".join((pair.question.text, pair.a, pair.b))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


class LabelBook:
    """Labels in a file, written atomically and under a lock; no widgets.

    Where the file cannot be written the labels are kept in memory, and one warning is given.

    Args:
        path: the file; it need not exist.  A damaged one is set aside under another name, never overwritten.
    """

    def __init__(self, path: Path | None = None):
        self.path = labels_file() if path is None else Path(path)
        self.labels: dict[str, tuple[str, int]] = {}
        self._warned = False
        self._exclusively(self._read)

    def get(self, pair: TwoAnswers) -> tuple[str, int] | None:
        """("a" or "b", point of the scale), or None where there is no label."""
        return self.labels.get(key_of(pair))

    def set(self, pair: TwoAnswers, choice: str, rating: int) -> None:
        """Note a label and write it.

        Raises:
            ValueError: no such answer, or no such point of the scale.
        """
        if choice not in ("a", "b"):
            raise ValueError(f'expected "a" or "b", got {choice!r}.')
        self.labels[key_of(pair)] = (choice, int(Rating(rating)))

        def merge() -> None:
            mine = dict(self.labels)
            self._read()  # what another notebook wrote meanwhile
            self.labels |= mine
            rows = {key: list(label) for key, label in self.labels.items()}
            files.write_atomically(self.path, json.dumps({"schema": SCHEMA, "labels": rows}, indent=1) + "\n")

        self._exclusively(merge)

    def preferences(self, pairs: Sequence[TwoAnswers]) -> list[Preference]:
        """Those of the pairs that have a label, as a reward model learns them."""
        found = [(pair, label) for pair in pairs if (label := self.get(pair))]
        return [preference_of(pair, choice == "a", rating) for pair, (choice, rating) in found]

    def _exclusively(self, work) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with files.lock(self.path.with_name(self.path.name + ".lock"), timeout_s=10):
                work()
        except OSError as error:  # TimeoutError is one
            if not self._warned:
                print(f"Your labels are kept for this session only: {error}", file=sys.stderr)
            self._warned = True

    def _read(self) -> None:
        if not self.path.exists():
            return
        try:
            raw = json.loads(self.path.read_text(encoding="utf-8"))
            if raw["schema"] != SCHEMA:
                raise ValueError(f"schema {raw['schema']!r}")
            rows = {str(key): (choice, int(Rating(rating))) for key, (choice, rating) in raw["labels"].items()}
            if not all(choice in ("a", "b") for choice, _ in rows.values()):
                raise ValueError("a choice that is neither a nor b")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            aside = self.path.with_name(f"{self.path.name}.damaged-{datetime.now():%Y%m%d-%H%M%S-%f}")
            self.path.replace(aside)
            print(f"{self.path.name} could not be read ({error}); it is kept as {aside.name}.", file=sys.stderr)
            return
        self.labels = rows | self.labels


def pair_html(pair: TwoAnswers) -> Markup:
    """A question and its two answers, escaped."""
    rows = [("Question", pair.question.text), ("Answer A", code(pair.a)), ("Answer B", code(pair.b))]
    return table(rows, caption="Which answer would you rather have?")


def label_words(label: tuple[str, int] | None) -> str:
    """A label in words."""
    return "no label yet" if label is None else f"{label[0].upper()}, {Rating(label[1]).label}"


class LabellingView(LiveView):
    """Two answers, buttons for the better one and for how much better, and a button that keeps both and goes on.

    Tab and Space reach everything.  The static twin lists all pairs with their labels.

    Args:
        pairs: what is to be compared.
        path: where the labels are kept; beside the progress by default.
    """

    def __init__(self, pairs: Sequence[TwoAnswers], path: Path | None = None):
        import ipywidgets as w

        if not pairs:
            raise ValueError("expected pairs of answers to compare, got none.")
        self.pairs, self.book = list(pairs), LabelBook(path)
        self.place = next((n for n, pair in enumerate(self.pairs) if self.book.get(pair) is None), 0)
        self.shown, self.status = w.HTML(), w.HTML()
        self.answer = w.ToggleButtons(description="Better", options=ANSWERS, value=None)
        self.degree = w.ToggleButtons(description="How much", options=DEGREES, value=None)
        self.keep = w.Button(description="Keep and go on", button_style="primary")
        self.back, self.skip = w.Button(description="Back"), w.Button(description="Skip")
        for group in (self.answer, self.degree):
            group.observe(lambda change: self._ready(), names="value")
        self.keep.on_click(lambda _: self._keep())
        self.back.on_click(lambda _: self._go(-1))
        self.skip.on_click(lambda _: self._go(1))
        for name in ("shown", "status", "answer", "degree", "keep", "back", "skip"):
            getattr(self, name).add_class(f"lc-labelling-{name}")
        buttons = w.HBox([self.keep, self.back, self.skip], layout=w.Layout(flex_flow="row wrap"))
        self.view = w.VBox([self.shown, self.answer, self.degree, buttons, self.status])
        self.view.add_class("lc-labelling")
        self._show()

    @property
    def labelled(self) -> list[TwoAnswers]:
        """The pairs that have a label, in order."""
        return [pair for pair in self.pairs if self.book.get(pair) is not None]

    def preferences(self) -> list[Preference]:
        """The labels so far, as a reward model learns them."""
        return self.book.preferences(self.pairs)

    def static_html(self) -> str:
        """All pairs with their labels."""
        rows = [
            (str(n), pair.question.text, code(pair.a), code(pair.b), label_words(self.book.get(pair)))
            for n, pair in enumerate(self.pairs, start=1)
        ]
        return join([table(rows, ["", "question", "answer A", "answer B", "label"]), self._count()])

    def _keep(self) -> None:
        if self.answer.value is None or self.degree.value is None:
            return
        self.book.set(self.pairs[self.place], self.answer.value, self.degree.value)
        self._go(1)

    def _go(self, steps: int) -> None:
        self.place = (self.place + steps) % len(self.pairs)
        self._show()

    def _show(self) -> None:
        pair = self.pairs[self.place]
        self.answer.value, self.degree.value = self.book.get(pair) or (None, None)
        self.shown.value = pair_html(pair)
        self.status.value = self._count()
        self._ready()

    def _ready(self) -> None:
        self.keep.disabled = self.answer.value is None or self.degree.value is None

    def _count(self) -> Markup:
        line = f"Pair {self.place + 1} of {len(self.pairs)}; {len(self.labelled)} labelled and kept."
        return paragraph(line, quiet=True)
