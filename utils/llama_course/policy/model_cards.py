"""What Llama 2's own card, paper and licence say on the points that a release has to settle."""

from llama_course import paths
from llama_course.policy.published import PublishedRows

ROWS = PublishedRows(paths.data_file("policy/model_cards.json"))
figure, statement = ROWS.figure, ROWS.statement
