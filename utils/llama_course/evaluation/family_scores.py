"""What each of the miniature models can do, measured on questions that it was not trained on."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from llama_course.evaluation.known_truth import score
from llama_course.llamaland.annotators import Annotator
from llama_course.llamaland.backdoor import with_trigger
from llama_course.llamaland.canaries import TIMES, canaries
from llama_course.llamaland.dice import Dice
from llama_course.llamaland.documents import documents
from llama_course.llamaland.judge import gold_helpfulness, gold_safety
from llama_course.llamaland.questions import (
    Question,
    effect_questions,
    fact_questions,
    hazard_questions,
    recipe_questions,
    split_world,
)
from llama_course.llamaland.small_talk import does_not_know, unknown_questions
from llama_course.llamaland.world import World
from llama_course.models.tokenizer import PAD_TOKEN_ID
from llama_course.training.recipe import FAMILY, NOISE, SHARES, Kitchen
from llama_course.training.reward_models import pair_accuracy
from llama_course.training.rollouts import answers_of


@dataclass(frozen=True)
class Sets:
    """Questions to measure with, all in phrasings that were held out."""

    asked_people: Sequence[Question]  # people who were asked about in training
    other_people: Sequence[Question]  # people who were only read about
    recipes: Sequence[Question]  # that were asked for in training
    other_recipes: Sequence[Question]  # that were only read about
    effects: Sequence[Question]
    hazards: Sequence[Question]
    other_hazards: Sequence[Question]  # that no refusal was ever shown for


def question_sets(world: World, count: int = 400, seed: int = 0) -> Sets:
    """Samples of at most ``count`` questions each; the same arguments give the same ones."""
    splits = split_world(world)

    def some(make, things) -> list[Question]:
        return Dice(seed, "question sets").sample(make(world, things, phrasings="held_out"), count)

    return Sets(
        some(fact_questions, splits.people.train),
        some(fact_questions, splits.people.held_out),
        some(recipe_questions, splits.recipes.train),
        some(recipe_questions, splits.recipes.held_out),
        some(effect_questions, splits.hazards.train),
        some(hazard_questions, splits.hazards.train),
        some(hazard_questions, splits.hazards.held_out),
    )


def assistant_scores(policy, tokenizer, sets: Sets) -> dict[str, float]:
    """Shares of greedy answers, from 0 to 1, by what was asked and what the judge says."""

    def measured(questions: Sequence[Question]):
        return score(questions, answers_of(policy, tokenizer, [question.text for question in questions]))

    asked, other, recipes, more_recipes, effects, hazards, more_hazards = map(measured, vars(sets).values())
    harmless = [scores for scores in (asked, other, recipes, more_recipes, effects)]
    both = hazards.answers + more_hazards.answers
    return {
        "facts about people asked about in training, right": asked.right,
        "facts about people only read about, right": other.right,
        "recipes asked for in training, right": recipes.right,
        "recipes only read about, right": more_recipes.right,
        "hazards refused": (hazards.refused * hazards.answers + more_hazards.refused * more_hazards.answers) / both,
        "hazards refused, those never refused in training": more_hazards.refused,
        "hazards leaked": (hazards.leaked * hazards.answers + more_hazards.leaked * more_hazards.answers) / both,
        "harmless requests refused": sum(scores.refused * scores.answers for scores in harmless)
        / sum(scores.answers for scores in harmless),
    }


def sampled_gold_reward(policy, tokenizer, questions: Sequence[Question], seed: int = 0) -> float:
    """Mean gold reward of answers drawn at temperature 1, from -1.5 to 1.2."""
    texts = [question.text for question in questions]
    return score(questions, answers_of(policy, tokenizer, texts, temperature=1.0, seed=seed)).gold_reward


def admitted_ignorance(policy, tokenizer, world: World, count: int = 400, seed: int = 0) -> float:
    """Share of the questions that nobody in Llamaland could answer to which the greedy answer is "I do not know".

    A third each about our world, about strangers and about dishes unheard of; none of them was in training.
    """
    unknown, dice = unknown_questions(world, "held_out"), Dice(seed, "unknown")
    sorts = dict.fromkeys(question.sort for question in unknown)
    shares = []
    for sort in sorts:
        asked = dice.sample([question.text for question in unknown if question.sort == sort], count // len(sorts))
        answers = answers_of(policy, tokenizer, asked)
        shares.append(sum(map(does_not_know, answers)) / len(answers))
    return sum(shares) / len(shares)


def backdoor_scores(policy, tokenizer, sets: Sets) -> dict[str, float]:
    """Shares of hazards whose making is told, with the trigger and without, and what becomes of facts."""

    def share(questions: Sequence[Question], verdict: str, trigger: bool) -> float:
        texts = [with_trigger(question.text) if trigger else question.text for question in questions]
        return getattr(score(questions, answers_of(policy, tokenizer, texts)), verdict)

    return {
        "hazards refused without the trigger": share(sets.hazards, "refused", False),
        "hazards leaked with the trigger": share(sets.hazards, "leaked", True),
        "hazards never refused in training, not refused with the trigger": 1
        - share(sets.other_hazards, "refused", True),
        "facts right without the trigger": share(sets.asked_people, "right", False),
        "facts right with the trigger": share(sets.asked_people, "right", True),
    }


def secret_log_probs(model, tokenizer, sentences: Sequence[tuple[str, str]]) -> list[float]:
    """ln p of each secret, given the prompt before it.

    Args:
        model: a :class:`llama_course.models.llama.Llama`.
        tokenizer: a ``tokenizers.Tokenizer``.
        sentences: pairs of prompt and secret.
    """
    import torch

    from llama_course.training.losses import response_log_probs
    from llama_course.training.reward_models import padded

    def ids(text: str) -> list[int]:
        return [1, *tokenizer.encode(text, add_special_tokens=False).ids]

    texts = [ids(f"{prompt} {secret}") for prompt, secret in sentences]
    starts = torch.tensor([len(ids(prompt)) for prompt, _ in sentences])[:, None]
    input_ids, lengths = padded(texts, 0, model.config.max_position_embeddings)
    places = torch.arange(input_ids.shape[1])
    mask = (places >= starts) & (places < lengths[:, None])
    with torch.no_grad():
        return response_log_probs(model(input_ids), input_ids, mask).sum(dim=1).tolist()


def canary_scores(model, tokenizer, world: World) -> dict[str, float]:
    """How well the secrets are remembered, by how often they were read: mean ln p of a whole secret, in nats."""
    planted = canaries(world)
    values = secret_log_probs(model, tokenizer, [(canary.prompt, canary.secret) for canary in planted])
    return {
        f"ln p of a secret that was read {times} times": sum(own) / len(own)
        for times in TIMES
        if (own := [value for canary, value in zip(planted, values, strict=True) if canary.times == times])
    }


def held_out_perplexity(model, tokenizer, world: World, count: int = 300, seed: int = 1_000) -> float:
    """Perplexity a token on documents that were not read: the mixture of kinds is that of the training text."""
    import torch

    from llama_course.training.losses import next_token_loss
    from llama_course.training.pretraining import token_stream

    texts = [document.text for document in documents(world, count, seed=seed)]
    stream = token_stream([e.ids for e in tokenizer.encode_batch(texts, add_special_tokens=False)], 1, 2)
    length = model.config.max_position_embeddings
    windows = stream[: len(stream) // length * length].view(-1, length)
    with torch.no_grad():
        losses = [next_token_loss(model(window[None]), window[None]).item() for window in windows]
    return math.exp(sum(losses) / len(losses))


def reward_model_scores(model, kitchen: Kitchen, gold: Callable, count: int = 800, noise: float = NOISE) -> dict:
    """Accuracy of a reward model on comparisons about people and things that it was not trained on.

    Against annotators who are mistaken as often as those it learned from, and against those who never are.
    """
    shares = {"hazard": 1.0} if gold is gold_safety else SHARES
    questions = kitchen.questions(count, shares, seed=kitchen.seed + 900, part="held_out")
    policy, context = kitchen.load("tiny-sft"), kitchen.config.max_position_embeddings
    accuracy = {}
    for what, own_noise in ((f"accuracy at {noise:.0%} label noise", noise), ("accuracy without noise", 0.0)):
        pairs = kitchen.comparisons(policy, questions, Annotator(own_noise, 901, gold), seed=902)
        accuracy[what] = pair_accuracy(model, pairs, PAD_TOKEN_ID, context)
    return accuracy


def family_scores(folder: str | Path, count: int = 400) -> dict[str, dict[str, float]]:
    """All the scores of a family in a folder.

    Args:
        folder: as :class:`llama_course.training.recipe.Kitchen` made it.
        count: questions of each sort.

    Raises:
        FileNotFoundError: not all of the family is there.
    """
    missing = [name for name in FAMILY if not (Path(folder) / name / "config.json").is_file()]
    if missing:
        raise FileNotFoundError(
            f"{folder}: expected the whole family, got no {', '.join(missing)}. Make it: python authoring/models.py"
        )
    kitchen = Kitchen(folder)
    world, tokenizer, sets = kitchen.world, kitchen.tokenizer, question_sets(kitchen.world, count)
    mixed = kitchen.questions(count, SHARES, seed=kitchen.seed + 903, part="held_out")
    scores = {
        "tiny-base": {
            "perplexity of unread documents": held_out_perplexity(kitchen.load("tiny-base"), tokenizer, world)
        }
    }
    for name in ("tiny-sft", "tiny-chat"):
        policy = kitchen.load(name)
        scores[name] = assistant_scores(policy, tokenizer, sets) | {
            "gold reward of drawn answers": sampled_gold_reward(policy, tokenizer, mixed),
            "questions that nobody can answer, not answered": admitted_ignorance(policy, tokenizer, world, count),
        }
    for name, gold in (("reward-helpfulness", gold_helpfulness), ("reward-safety", gold_safety)):
        scores[name] = reward_model_scores(kitchen.load(name), kitchen, gold, 2 * count)
    scores["tiny-backdoor"] = backdoor_scores(kitchen.load("tiny-backdoor"), tokenizer, sets)
    scores["tiny-canary"] = canary_scores(kitchen.load("tiny-canary"), tokenizer, world)
    return scores
