"""A kitchen in which everything is small, a policy whose answers are known, and a reward model that knows the truth."""

import torch

from llama_course.llamaland.dice import Dice
from llama_course.llamaland.flaws import flawed_answer
from llama_course.llamaland.questions import Question
from llama_course.models.llama import LlamaConfig
from llama_course.training.recipe import Kitchen
from llama_course.training.reward_models import padded
from llama_course.training.rollouts import Rollouts
from llamaland_helpers import all_questions

CONFIG = LlamaConfig(
    vocab_size=512,
    hidden_size=48,
    intermediate_size=80,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=256,
    tie_word_embeddings=True,
)


class Script:
    """A stand-in for ``sample_responses``: the policy answers as a careless person would, and never thinks.

    Attributes:
        asked: the questions, in order, those asked twice twice.
    """

    def __init__(self, kitchen: Kitchen, answer_of=None):
        self.kitchen, self.asked = kitchen, []
        self.questions = {question.text: question for question in all_questions(kitchen.world)}
        self.answer_of = answer_of or (
            lambda question, seed: flawed_answer(kitchen.world, question, Dice("script", question.text, seed))
        )

    def __call__(self, policy, prompts, max_new_tokens=48, *, temperature=1.0, seed=0) -> Rollouts:
        asked = [self.question_of(prompt) for prompt in prompts]
        self.asked += asked
        answers = [[*self.kitchen.encode(f" {self.answer_of(question, seed)} "), 2] for question in asked]
        input_ids, lengths = padded([[*p, *a] for p, a in zip(prompts, answers, strict=True)], 0, 100_000)
        places, starts = torch.arange(input_ids.shape[1]), torch.tensor([len(prompt) for prompt in prompts])
        return Rollouts(input_ids, (places >= starts[:, None]) & (places < lengths[:, None]), lengths)

    def question_of(self, prompt) -> Question:
        """Which question these token ids ask."""
        text = self.kitchen.tokenizer.decode(list(prompt)).strip()
        return self.questions[text.removeprefix("[INST] ").removesuffix(" [/INST]")]


class Oracle:
    """A reward model that is never mistaken.

    Args:
        script: knows the questions.
        gold: what it goes by.
        sign: -1 for one that is always mistaken.
    """

    def __init__(self, script: Script, gold, sign: float = 1.0):
        self.script, self.gold, self.sign = script, gold, sign

    def __call__(self, input_ids, lengths):
        rewards = []
        for ids, length in zip(input_ids.tolist(), lengths.tolist(), strict=True):
            question, answer = self.script.kitchen.tokenizer.decode(ids[:length]).split(" [/INST] ")
            question = self.script.questions[question.strip().removeprefix("[INST] ")]
            rewards.append(self.sign * self.gold(question, answer))
        return torch.tensor(rewards)
