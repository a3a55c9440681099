"""``quiz("02")``: the quiz of a lesson, with buttons where there is a kernel, as a page where there is none."""

from llama_course.learning import progress
from llama_course.learning.quizzes import Question, Quiz, load_quiz, score, valid_tries
from llama_course.widgets.base import LiveView
from llama_course.widgets.html import Markup, escape, join, paragraph

# Options are buttons (JupyterLab takes the arrow keys that a list needs), one below the other, that look like a
# list; their texts are sentences and wrap, and a sign beside the colour says which one is chosen.
_STYLE = (
    "<style>.lc-quiz .widget-toggle-buttons, .lc-quiz .jupyter-widget-toggle-buttons{width:100%}"
    ".lc-quiz .widget-toggle-button, .lc-quiz .jupyter-widget-toggle-button{display:block;width:auto;max-width:100%;"
    "height:auto;padding:.15em .6em .15em 1.9em;text-indent:-1.3em;text-align:left;line-height:1.5;"
    "white-space:normal;overflow:visible;background:transparent;box-shadow:none}"
    ".lc-quiz .widget-toggle-button::before, .lc-quiz .jupyter-widget-toggle-button::before"
    "{content:'○';display:inline-block;width:1.3em;text-indent:0}"
    ".lc-quiz .widget-toggle-button.mod-active::before, .lc-quiz .jupyter-widget-toggle-button.mod-active::before"
    "{content:'●'}"
    ".lc-quiz .widget-toggle-button.mod-active, .lc-quiz .jupyter-widget-toggle-button.mod-active"
    "{font-weight:600;color:var(--jp-ui-font-color1,inherit)}"
    ".lc-quiz .widget-toggle-button:focus-visible, .lc-quiz .jupyter-widget-toggle-button:focus-visible"
    "{outline:2px solid currentColor;outline-offset:-2px}</style>"
)


def quiz(lesson: str) -> "QuizView":
    """The quiz of a lesson, to stand as the last line of a cell.  Answers are kept in the progress file.

    Raises:
        UnknownExerciseError: there is no such lesson, or it has no quiz.
    """
    one = load_quiz(lesson)
    return QuizView(one, progress.quiz_answers(one.lesson))


def verdict(question: Question, option: int) -> Markup:
    """What is said when an option was chosen: right or not in words, and why; pure."""
    chosen = question.options[option]
    symbol, word, colour = ("✓", "Correct.", "#009E73") if chosen.correct else ("✗", "Not correct.", "#D55E00")
    return Markup(
        f'<div role="status" style="border-left:4px solid {colour};padding:.2em .8em;line-height:1.5">'
        f"<strong>{symbol} {word}</strong> {escape(chosen.explanation)}</div>"
    )


def score_line(one: Quiz, answers: dict[str, list[int]]) -> str:
    """Where the learner stands, as a sentence; pure."""
    now = score(one, answers)
    return (
        f"Score: {now.correct} of {now.questions} questions right, {now.first_try} of them at the first try; "
        f"{now.answered} answered."
    )


def twin(one: Quiz, answers: dict[str, list[int]]) -> Markup:
    """The quiz as a page: questions, options, and the answers folded away; pure."""
    items = []
    for question in one.questions:
        options = join(Markup(f"<li>{escape(option.text)}</li>") for option in question.options)
        reasons = join(
            Markup(
                f"<li><strong>{'✓ Correct.' if option.correct else '✗ Not correct.'}</strong> "
                f"{escape(option.explanation)}</li>"
            )
            for option in question.options
        )
        items.append(
            Markup(
                f'<li style="margin-bottom:1em">{paragraph(question.question)}<ol type="A">{options}</ol>'
                f'<details><summary>Show the answer</summary><ol type="A">{reasons}</ol></details></li>'
            )
        )
    line = paragraph(score_line(one, answers), quiet=True) if score(one, answers).answered else ""
    return Markup(f'<div class="lc-quiz-page"><ol>{join(items)}</ol>{line}</div>')


class QuizView(LiveView):
    """One block a question: a button for each option, a Check button, and what is to be said of the chosen option."""

    def __init__(self, one: Quiz, answers: dict[str, list[int]] | None = None):
        import ipywidgets

        self.quiz = one
        self.answers = {
            question.id: valid_tries(question, (answers or {}).get(question.id, ())) for question in one.questions
        }
        self.choices, self.buttons, self.feedback = {}, {}, {}
        blocks = [ipywidgets.HTML(_STYLE)]
        for number, question in enumerate(one.questions, start=1):
            blocks.append(self._block(number, question))
        self.score = ipywidgets.HTML()
        self.view = ipywidgets.VBox([*blocks, self.score])
        self.view.add_class("lc-quiz")
        self._refresh_score()

    def static_html(self) -> str:
        """The questions in order, the answers folded away, and the score so far."""
        return twin(self.quiz, self.answers)

    def _block(self, number: int, question: Question):
        import ipywidgets

        tries = self.answers[question.id]
        last = tries[-1] if tries else None
        heading = ipywidgets.HTML(paragraph(join([Markup(f"<strong>{number}.</strong>"), question.question], " ")))
        choice = ipywidgets.ToggleButtons(
            options=[(option.text, index) for index, option in enumerate(question.options)],
            value=last,
            layout=ipywidgets.Layout(width="auto"),
        )
        button = ipywidgets.Button(description=f"Check answer {number}", disabled=last is None)
        said = ipywidgets.HTML("" if last is None else verdict(question, last))
        choice.observe(lambda change: self._chosen(question), names="value")
        button.on_click(lambda _: self._check(question))
        self.choices[question.id], self.buttons[question.id], self.feedback[question.id] = choice, button, said
        return ipywidgets.VBox([heading, choice, button, said], layout=ipywidgets.Layout(margin="0 0 1em 0"))

    def _chosen(self, question: Question) -> None:
        self.buttons[question.id].disabled = self.choices[question.id].value is None
        self.feedback[question.id].value = ""  # what stood here was about another option

    def _check(self, question: Question) -> None:
        option = self.choices[question.id].value
        if option is None:
            return
        tries = self.answers[question.id]
        if not tries or tries[-1] != option:
            tries.append(option)
            progress.record_quiz(self.quiz.lesson, question.id, option)
        self.feedback[question.id].value = verdict(question, option)
        self._refresh_score()

    def _refresh_score(self) -> None:
        self.score.value = paragraph(score_line(self.quiz, self.answers))
