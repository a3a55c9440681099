"""What was published about human feedback: how much Llama 2's people compared, and how well its reward models agree."""

from llama_course import paths
from llama_course.policy.published import PublishedRows

ROWS = PublishedRows(paths.data_file("policy/preferences.json"))
figure, statement = ROWS.figure, ROWS.statement
