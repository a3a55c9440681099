"""What was published about how good Llama 2 is: its comparison with ChatGPT, test scores of both, and judges."""

from llama_course import paths
from llama_course.policy.published import PublishedRows

TESTS = {"mmlu": "general knowledge", "gsm8k": "school mathematics", "humaneval": "programming", "truthful": "truth"}
ROWS = PublishedRows(paths.data_file("policy/evaluations.json"))
figure, statement = ROWS.figure, ROWS.statement


def published_scores() -> list[tuple[str, float, float]]:
    """Published tests of both: what is tested, the score of Llama 2 70B and that of GPT-3.5, in percent.

    The last one is of the chat models.  GPT-3.5 and ChatGPT are what the paper calls them.
    """
    return [(what, figure(f"{name}-llama").value, figure(f"{name}-gpt").value) for name, what in TESTS.items()]
