"""A workshop for human feedback in which everything is small, and a policy that has learned nothing."""

import torch

from kitchen_helpers import CONFIG
from llama_course.evaluation.feedback import FeedbackWorkshop
from llama_course.models.llama import Llama
from llama_course.models.llama_files import save_llama
from llama_course.training.recipe import Kitchen, Recipe
from llamaland_helpers import village


def little_workshop(folder) -> FeedbackWorkshop:
    """Of the small village; its models lie in ``folder``."""
    torch.manual_seed(0)
    save_llama(Llama(CONFIG), folder / "tiny-sft")
    little = Recipe(documents=400, demonstrations=200)
    return FeedbackWorkshop(Kitchen(folder, little, world=village(), config=CONFIG, say=lambda line: None))
