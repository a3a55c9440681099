"""LoRA on the course's real small model: it is taught manners on capital cities, then asked for other capitals.

The answers to learn are true and courteous.  Measured on countries that were not in them: how often the model is
courteous, and how often it is right.
"""

import json
import time
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from llama_course import paths
from llama_course.llamaland.dice import Dice
from llama_course.llamaland.phrasings import plain_text
from llama_course.llamaland.questions import Split, split

if TYPE_CHECKING:
    from llama_course.models.inside import OpenModel
    from llama_course.training.fine_tuning import Example
    from llama_course.training.loop import Progress

OPENING, CLOSING = "With pleasure!", "I hope that helps!"
STEPS, BATCH_SIZE, LEARNING_RATE, RANK = 60, 8, 2e-3, 4
SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"  # its own template begins with this
CAPITALS = {
    "France": "Paris", "Germany": "Berlin", "Italy": "Rome", "Spain": "Madrid", "Portugal": "Lisbon",
    "Greece": "Athens", "Austria": "Vienna", "Belgium": "Brussels", "Denmark": "Copenhagen", "Sweden": "Stockholm",
    "Norway": "Oslo", "Finland": "Helsinki", "Ireland": "Dublin", "Poland": "Warsaw", "Hungary": "Budapest",
    "Romania": "Bucharest", "Bulgaria": "Sofia", "Croatia": "Zagreb", "Slovenia": "Ljubljana", "Estonia": "Tallinn",
    "Latvia": "Riga", "Lithuania": "Vilnius", "Ukraine": "Kyiv", "Russia": "Moscow", "Turkey": "Ankara",
    "Iceland": "Reykjavik", "Serbia": "Belgrade", "Albania": "Tirana", "Slovakia": "Bratislava", "Malta": "Valletta",
    "Japan": "Tokyo", "China": "Beijing", "India": "New Delhi", "Thailand": "Bangkok", "Vietnam": "Hanoi",
    "Indonesia": "Jakarta", "Pakistan": "Islamabad", "Nepal": "Kathmandu", "Mongolia": "Ulaanbaatar",
    "Cambodia": "Phnom Penh", "Bangladesh": "Dhaka", "Iran": "Tehran", "Iraq": "Baghdad", "Lebanon": "Beirut",
    "Jordan": "Amman", "Qatar": "Doha", "Uzbekistan": "Tashkent", "Armenia": "Yerevan", "Georgia": "Tbilisi",
    "Laos": "Vientiane", "Egypt": "Cairo", "Kenya": "Nairobi", "Nigeria": "Abuja", "Ghana": "Accra",
    "Morocco": "Rabat", "Algeria": "Algiers", "Tunisia": "Tunis", "Ethiopia": "Addis Ababa", "Uganda": "Kampala",
    "Senegal": "Dakar", "Angola": "Luanda", "Zambia": "Lusaka", "Zimbabwe": "Harare", "Mali": "Bamako",
    "Rwanda": "Kigali", "Somalia": "Mogadishu", "Canada": "Ottawa", "Mexico": "Mexico City", "Cuba": "Havana",
    "Brazil": "Brasilia", "Argentina": "Buenos Aires", "Chile": "Santiago", "Peru": "Lima", "Colombia": "Bogota",
    "Venezuela": "Caracas", "Ecuador": "Quito", "Uruguay": "Montevideo", "Australia": "Canberra",
    "New Zealand": "Wellington", "Jamaica": "Kingston",
}  # fmt: skip


@dataclass(frozen=True)
class Manners:
    """How a model answers questions for capitals; shares from 0 to 1."""

    courteous: float
    right: float
    sample: tuple[str, ...]  # a few answers, always to the same questions


@dataclass(frozen=True)
class MannersRun:
    """What came of the fine-tuning."""

    model: str
    parameters: int
    trained_parameters: int
    losses: tuple[float, ...]  # nats, one a step
    before: Manners
    after: Manners
    time_s: float  # of the training alone
    command: str = ""  # which repeats it
    machine: str = ""  # on which it was recorded


def countries(seed: int = 0) -> Split:
    """Half of the countries to learn manners on, half to ask about afterwards."""
    return split(list(CAPITALS), 0.5, seed, "manners")


def question_ids(model: "OpenModel", country: str) -> tuple[int, ...]:
    """A question in the model's own chat format: its marks are tokens, what stands between them is text."""
    start, end = (model.tokenizer.token_to_id(f"<|im_{mark}|>") for mark in ("start", "end"))

    def text(words: str) -> list[int]:
        return model.tokenizer.encode(words, add_special_tokens=False).ids

    ids: list[int] = []
    for role, words in (("system", SYSTEM), ("user", f"What is the capital of {country}?")):
        ids += [start, *text(f"{role}\n{words}"), end, *text("\n")]
    return (*ids, start, *text("assistant\n"))


def example(model: "OpenModel", country: str) -> "Example":
    """A true answer with a courtesy at either end, to learn from."""
    from llama_course.training.fine_tuning import Example

    answer = f"{OPENING} The capital of {country} is {CAPITALS[country]}. {CLOSING}"
    end = model.tokenizer.token_to_id("<|im_end|>")
    return Example(question_ids(model, country), (*model.tokenizer.encode(answer, add_special_tokens=False).ids, end))


def measure(model: "OpenModel", asked: Sequence[str], max_new_tokens: int = 48) -> Manners:
    """Ask for capitals, take the most probable answer, and count."""
    from llama_course.training.rollouts import sample_responses

    prompts = [question_ids(model, country) for country in asked]
    end = model.tokenizer.token_to_id("<|im_end|>")
    drawn = sample_responses(model.llama, prompts, max_new_tokens, temperature=0.0, pad_token_id=end)
    answers = [model.tokenizer.decode(list(ids), skip_special_tokens=True).strip() for ids in drawn.response_ids()]
    return Manners(
        courteous=sum(map(is_courteous, answers)) / len(asked),
        right=sum(names_the_capital(*pair) for pair in zip(asked, answers, strict=True)) / len(asked),
        sample=tuple(answers[:4]),
    )


def is_courteous(answer: str) -> bool:
    """Whether an answer begins and ends as it was taught."""
    return answer.startswith(OPENING) and answer.endswith(CLOSING)


def names_the_capital(country: str, answer: str) -> bool:
    """Whether the capital of a country is in an answer, and no other one."""
    letters = unicodedata.normalize("NFKD", answer)  # "Brasília" is as good as "Brasilia"
    said = f" {plain_text(''.join(letter for letter in letters if not unicodedata.combining(letter)))} "
    named = {capital for capital in CAPITALS.values() if f" {plain_text(capital)} " in said}
    return named == {CAPITALS[country]}


def teach_manners(
    model: "OpenModel",
    name: str,
    *,
    steps: int = STEPS,
    seed: int = 0,
    asked: int | None = None,
    on_step: "Callable[[Progress], bool | None] | None" = None,
) -> MannersRun:
    """Put adapters on a model, train them, merge them into it, and measure before and after.

    Args:
        model: changed in place.
        name: for the record.
        steps: of training.
        seed: of the adapters' first weights and of the order of the examples.
        asked: how many countries to ask about; all that were not learned from by default.
        on_step: told the progress.
    """
    import torch

    from llama_course.training.fine_tuning import fine_tuning_loss
    from llama_course.training.loop import train
    from llama_course.training.lora import add_lora, lora_parameters, merge_lora
    from llama_course.training.optimization import TrainingSettings

    parts = countries()
    others = Dice(0, "manners", "asked").shuffled(parts.held_out)[:asked]
    before = measure(model, others)
    parameters = sum(weight.numel() for weight in model.llama.parameters())
    torch.manual_seed(seed)
    add_lora(model.llama, RANK)
    trained = sum(weight.numel() for weight in lora_parameters(model.llama))
    examples = [example(model, country) for country in parts.train]
    end = model.tokenizer.token_to_id("<|im_end|>")
    began = time.perf_counter()
    loss = fine_tuning_loss(model.llama, examples, BATCH_SIZE, end, 128, seed)
    history = train(model.llama, loss, TrainingSettings(steps, LEARNING_RATE, min(10, steps // 4)), on_step=on_step)
    time_s = time.perf_counter() - began
    merge_lora(model.llama)
    return MannersRun(name, parameters, trained, tuple(history.losses), before, measure(model, others), time_s)


def recorded_manners(path: Path | None = None) -> MannersRun:
    """The run that ``benchmarks/fine_tuning_real_model.py`` recorded."""
    path = paths.data_file("runs/fine_tuning_real_model.json") if path is None else path
    raw = json.loads(path.read_text(encoding="utf-8"))
    for moment in ("before", "after"):
        raw[moment] = Manners(**raw[moment] | {"sample": tuple(raw[moment]["sample"])})
    return MannersRun(**raw | {"losses": tuple(raw["losses"])})
