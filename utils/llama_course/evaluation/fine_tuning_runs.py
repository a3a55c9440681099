"""Many ways to make an assistant of one base model: recorded for several seeds, and any of them again on request."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING

from llama_course import paths
from llama_course.evaluation.assistants import Workshop, has_the_form
from llama_course.evaluation.known_truth import score
from llama_course.llamaland.flaws import Flaws

if TYPE_CHECKING:
    from llama_course.models.llama import Llama
    from llama_course.training.loop import Progress

STEPS, BATCH_SIZE, WARMUP_STEPS = 100, 32, 20  # for all plans: few examples come again and again
LEARNING_RATE, LORA_LEARNING_RATE = 1e-3, 1e-2  # few parameters bear, and need, larger steps
RECORDED_SEEDS = (0, 1, 2)
QUESTIONS = 100  # for each measurement


@dataclass(frozen=True)
class Plan:
    """One way to fine-tune."""

    examples: int = 3000
    who: str = "asked"  # about whom, as in ``Workshop.to_learn``
    careless: bool = False  # whoever wrote the examples was in a hurry, and made the mistakes of ``Flaws()``
    on_prompts_too: bool = False  # the questions are learned as well
    rank: int | None = None  # of LoRA; None trains all parameters


PLANS = {
    "30 examples": Plan(30),
    "300 examples": Plan(300),
    "3,000 examples": Plan(),
    "3,000 careless": Plan(careless=True),
    "questions too": Plan(on_prompts_too=True),
    "LoRA, rank 1": Plan(rank=1),
    "LoRA, rank 4": Plan(rank=4),
    "LoRA, rank 16": Plan(rank=16),
    "new facts, rank 1": Plan(200, "unread", rank=1),  # nothing that the base model could have read
    "new facts, rank 4": Plan(200, "unread", rank=4),
    "new facts, rank 16": Plan(200, "unread", rank=16),
    "new facts": Plan(200, "unread"),
}


@dataclass(frozen=True)
class FineTuningRun:
    """One fine-tuning and what came of it; shares from 0 to 1."""

    plan: str  # a key of PLANS
    seed: int  # of the examples and their order
    trained_parameters: int
    asked: float  # right about people whom the examples ask about
    read: float  # right about people only read about
    unread: float  # right about people never read about
    form: float  # answers in the form of an answer, right or wrong, about people only read about
    drawn: float  # right about people only read about, when answers are drawn at temperature 1
    taught: float  # right about the questions of the examples themselves
    time_s: float


def fine_tune(
    workshop: Workshop,
    plan: Plan,
    seed: int = 0,
    *,
    steps: int = STEPS,
    on_step: "Callable[[Progress], bool | None] | None" = None,
) -> "Llama":
    """Make an assistant; with LoRA the adapters are still in it."""
    shown = workshop.conversations(plan.examples, plan.who, seed=seed, flaws=Flaws() if plan.careless else None)
    return fine_tune_on(
        workshop,
        shown,
        seed,
        steps=steps,
        on_prompts_too=plan.on_prompts_too,
        rank=plan.rank,
        on_step=on_step,
    )


def fine_tune_on(
    workshop: Workshop,
    conversations: Sequence[Sequence[dict[str, str]]],
    seed: int = 0,
    *,
    steps: int = STEPS,
    on_prompts_too: bool = False,
    rank: int | None = None,
    on_step: "Callable[[Progress], bool | None] | None" = None,
) -> "Llama":
    """Make an assistant of the base model with these examples.

    Args:
        workshop: where the base model is.
        conversations: questions with answers, as messages.
        seed: of the order of the examples, and of the adapters' first weights.
        steps: of training.
        on_prompts_too: learn the questions as well.
        rank: of LoRA; None trains all parameters.
        on_step: told the progress.
    """
    import torch

    from llama_course.models.tokenizer import PAD_TOKEN_ID
    from llama_course.training.fine_tuning import fine_tuning_loss
    from llama_course.training.loop import train
    from llama_course.training.lora import add_lora
    from llama_course.training.optimization import TrainingSettings

    model, rate = workshop.base_model(), LEARNING_RATE
    if rank is not None:
        state = torch.get_rng_state()
        torch.manual_seed(seed)
        add_lora(model, rank)
        torch.set_rng_state(state)  # a run leaves the caller's chance as it was
        rate = LORA_LEARNING_RATE
    examples, length = workshop.examples(conversations), model.config.max_position_embeddings
    loss = fine_tuning_loss(model, examples, BATCH_SIZE, PAD_TOKEN_ID, length, seed, on_prompts_too)
    train(model, loss, TrainingSettings(steps, rate, min(WARMUP_STEPS, steps // 4)), on_step=on_step)
    return model


def trained_parameters(model: "Llama") -> int:
    """How many numbers a fine-tuning may change."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def run_fine_tuning(
    workshop: Workshop, name: str, seed: int, *, steps: int = STEPS, count: int = QUESTIONS
) -> FineTuningRun:
    """Make an assistant by a plan and measure it."""
    began, plan = time.perf_counter(), PLANS[name]
    model = fine_tune(workshop, plan, seed, steps=steps)
    questions = workshop.questions("read", count)
    answers = workshop.answers(model, questions)
    taught = workshop.to_learn(plan.who, plan.examples, seed=seed)[:count]
    return FineTuningRun(
        plan=name,
        seed=seed,
        trained_parameters=trained_parameters(model),
        asked=workshop.right(model, "asked", count),
        read=score(questions, answers).right,
        unread=workshop.right(model, "unread", count),
        form=sum(map(has_the_form, questions, answers)) / len(questions),
        drawn=workshop.right(model, "read", count, temperature=1.0, seed=seed),
        taught=score(taught, workshop.answers(model, taught)).right,
        time_s=time.perf_counter() - began,
    )


def recorded_runs(path: Path | None = None) -> list[FineTuningRun]:
    """What ``benchmarks/fine_tuning.py`` recorded, in the order of the plans; the file says when and where."""
    path = paths.data_file("runs/fine_tuning.json") if path is None else path
    rows = [FineTuningRun(**row) for row in json.loads(path.read_text(encoding="utf-8"))["runs"]]
    return sorted(rows, key=lambda row: (list(PLANS).index(row.plan), row.seed))


def of_plan(runs: Sequence[FineTuningRun], name: str, what: str) -> list[float]:
    """One measurement of all runs of a plan, by seed.

    Raises:
        ValueError: there is no run of this plan.
    """
    found = [getattr(run, what) for run in sorted(runs, key=lambda run: run.seed) if run.plan == name]
    if not found:
        raise ValueError(f"no run of {name!r}; there are runs of {', '.join(dict.fromkeys(r.plan for r in runs))}.")
    return found


def percent(runs: Sequence[FineTuningRun], names: Sequence[str], what: str) -> list[float]:
    """One measurement of several plans in %, for each its mean over the seeds."""
    return [100 * mean(of_plan(runs, name, what)) for name in names]


def spread(values: Sequence[float]) -> str:
    """Smallest and largest of some shares: "85 to 91 %"."""
    low, high = (round(100 * value) for value in (min(values), max(values)))
    return f"{low} %" if low == high else f"{low} to {high} %"


def wins(runs: Sequence[FineTuningRun], better: str, worse: str, what: str) -> tuple[int, int]:
    """In how many seeds of how many one plan measures higher than another."""
    pairs = list(zip(of_plan(runs, better, what), of_plan(runs, worse, what), strict=True))
    return sum(first > second for first, second in pairs), len(pairs)
