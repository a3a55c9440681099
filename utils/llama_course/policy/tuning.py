"""What was published about fine-tuning: Llama 2's own, LoRA, and models that learned another model's answers."""

from llama_course import paths
from llama_course.policy.published import PublishedRows

IMITATORS = {"Alpaca": "alpaca", "Vicuna": "vicuna", "WizardLM": "wizardlm"}
ROWS = PublishedRows(paths.data_file("policy/tuning.json"))
figure, statement = ROWS.figure, ROWS.statement


def imitators() -> list[tuple[str, str, str, str]]:
    """Models that learned another model's answers: name, what was learned, what was said of the result, who judged."""
    rows = []
    for name, start in IMITATORS.items():
        learned = figure(f"{start}-examples")
        said, judged = (statement(f"{start}-{what}").quote for what in ("result", "judges"))
        rows.append((name, f"{learned.value:,} {learned.unit}", said, judged))
    return rows
