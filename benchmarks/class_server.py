"""A class at the class server: learners who stream at once, and how long each of them waits.

    python benchmarks/class_server.py                       # print, about 4 minutes
    python benchmarks/class_server.py --write               # and record: class_server.json, and the table in README.md
    python benchmarks/class_server.py --learners 10 --slots 8

It starts `llama-course serve`'s server on 127.0.0.1 and lets every learner ask at the same moment, for each number of
slots (answers that are written at once).  An answer is lost if its stream does not end with its end mark; it is mixed
up if a piece carries another answer's id.  Whether it is word for word what the same learner gets alone is counted as
well: greedy texts may differ in a word, because llama.cpp adds up in another order when it writes several at once.
"""

import argparse
import datetime
import json
import statistics
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from llama_course.models.class_server import ClassServer, Plan
from llama_course.models.server_connection import Patience, ServerConnection

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "class_server.json"
README = ROOT / "benchmarks" / "README.md"
START, END = "<!-- class server: written by benchmarks/class_server.py -->", "<!-- end of class server -->"
SUBJECTS = ("a llama", "the sea", "bread", "a train", "snow", "a clock", "rice", "a bridge", "the moon", "a violin")
QUESTIONS = ("Tell me something about {}.", "Write two sentences about {}.", "What would a child ask about {}?")
PATIENCE = Patience(first_token_s=600, next_token_s=120)


@dataclass
class Answer:
    """What one learner got, with times in seconds since everybody asked."""

    text: str = ""
    ids: set[str] = field(default_factory=set)
    tokens: int = 0
    first_s: float | None = None
    end_s: float | None = None
    finished: bool = False
    error: str | None = None


def question(learner: int) -> str:
    """Every learner has a question of their own."""
    return QUESTIONS[learner // len(SUBJECTS) % len(QUESTIONS)].format(SUBJECTS[learner % len(SUBJECTS)])


def ask(url: str, key: str, learner: int, new_tokens: int, began: float) -> Answer:
    """Stream one answer."""
    answer = Answer()

    def read(chunk: dict) -> str:
        answer.ids.add(chunk["id"])
        choice = chunk["choices"][0]
        if choice.get("finish_reason") is not None:
            answer.finished = True
            answer.tokens = chunk["timings"]["predicted_n"]
        return choice["delta"].get("content") or ""

    request = {
        "messages": [{"role": "user", "content": question(learner)}],
        "max_tokens": new_tokens,
        "temperature": 0,
        "samplers": ["temperature"],
    }
    try:
        for piece in ServerConnection(url, key, PATIENCE).stream("/chat/completions", request, read):
            answer.first_s = answer.first_s or time.perf_counter() - began
            answer.text += piece
    except (RuntimeError, ValueError) as error:
        answer.error = str(error)
    answer.end_s = time.perf_counter() - began
    return answer


def crowd(url: str, key: str, learners: int, new_tokens: int) -> list[Answer]:
    """Everybody asks at the same moment."""
    answers: list[Answer | None] = [None] * learners
    gate = threading.Barrier(learners + 1)
    began = 0.0

    def learner(number: int) -> None:
        gate.wait()
        answers[number] = ask(url, key, number, new_tokens, began)

    threads = [threading.Thread(target=learner, args=(number,)) for number in range(learners)]
    for thread in threads:
        thread.start()
    began = time.perf_counter()
    gate.wait()
    for thread in threads:
        thread.join()
    return answers


def measure(slots: int, learners: int, new_tokens: int, alone: dict[int, str] | None = None) -> dict:
    """One row of the table, and the answers of learners who asked alone, for the other rows."""
    server = ClassServer(Plan(port=0, slots=slots, learners=learners, context_tokens=512))
    try:
        if alone is None:
            alone = {}
            for number in range(learners):
                alone[number] = ask(server.url, server.key, number, new_tokens, time.perf_counter()).text
        answers = crowd(server.url, server.key, learners, new_tokens)
    finally:
        server.close()
    lost = sum(not answer.finished or not answer.text or answer.error is not None for answer in answers)
    ids = [next(iter(answer.ids)) for answer in answers if len(answer.ids) == 1]
    whole = max(answer.end_s for answer in answers)
    waits = [answer.first_s for answer in answers if answer.first_s is not None]
    return {
        "slots": slots,
        "learners": learners,
        "tokens": sum(answer.tokens for answer in answers),
        "lost": lost,
        "mixed": learners - len(set(ids)),
        "as_alone": sum(answer.text == alone[number] for number, answer in enumerate(answers)),
        "tokens_per_second": round(sum(answer.tokens for answer in answers) / whole, 1),
        "first_token_s": [round(statistics.median(waits), 1), round(max(waits), 1)],
        "whole_answer_s": [round(statistics.median(answer.end_s for answer in answers), 1), round(whole, 1)],
        "alone": alone,
    }


def table(data: dict) -> str:
    """The recorded rows as they stand in the README, marks included."""
    head = (
        "| slots | learners | lost | mixed up | word for word as alone | tokens/s in all | first token: median, last | "
        "whole answer: median, last |\n|---|---|---|---|---|---|---|---|"
    )
    rows = [
        f"| {row['slots']} | {row['learners']} | {row['lost']} | {row['mixed']} | {row['as_alone']} | "
        f"{row['tokens_per_second']:g} | {row['first_token_s'][0]:g} s, {row['first_token_s'][1]:g} s | "
        f"{row['whole_answer_s'][0]:g} s, {row['whole_answer_s'][1]:g} s |"
        for row in data["rows"]
    ]
    where = f"{data['new_tokens']} tokens at most, SmolLM2 135M. Measured on {data['date']}: {data['machine']}."
    return "\n".join([START, head, *rows, "", where, END])


def main() -> None:
    """Measure, print, and with --write keep the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--learners", type=int, default=30)
    parser.add_argument("--slots", type=int, nargs="+", default=[1, 4, 8, 16, 30])
    parser.add_argument("--tokens", type=int, default=64, help="longest answer")
    parser.add_argument("--write", action="store_true", help="update class_server.json and the README")
    options = parser.parse_args()
    rows, alone = [], None
    for slots in options.slots:
        row = measure(slots, options.learners, options.tokens, alone)
        alone = row.pop("alone")
        rows.append(row)
        print(json.dumps(row), flush=True)
    if options.write:
        from run import machine

        today = datetime.date.today().isoformat()
        data = {"machine": machine(), "date": today, "new_tokens": options.tokens, "rows": rows}
        RESULTS.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
        text = README.read_text(encoding="utf-8")
        before, rest = text.split(START)
        README.write_text(f"{before}{table(data)}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
