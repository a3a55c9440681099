"""How many turns an instruction lasts, and Ghost Attention's examples that make it last longer.

The instruction stands where our assistant reads one: in a system prompt, before the first question.

Source: Llama 2, arXiv:2307.09288, section 3.3.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from llama_course.llamaland.dice import Dice
from llama_course.llamaland.questions import Question
from llama_course.llamaland.small_talk import BEGIN_WORDS, begin_with, follows

if TYPE_CHECKING:
    from llama_course.evaluation.feedback import FeedbackWorkshop
    from llama_course.models.llama import Llama
    from llama_course.training.fine_tuning import Example

TURNS = 6
ANSWER_TOKENS = 28  # a word and a fact


def dialogues(workshop: "FeedbackWorkshop", count: int, turns: int = TURNS, seed: int = 0) -> list[list[Question]]:
    """Conversations: in each so many questions about people."""
    asked = workshop.questions(3 * count * turns, seed=seed, kinds=["fact"])[: count * turns]
    return [asked[start : start + turns] for start in range(0, len(asked) - turns + 1, turns)]


def instructions(count: int, part: str = "train", seed: int = 0) -> list[str]:
    """System prompts that ask for a word at the beginning of each answer."""
    dice, words = Dice(seed, "instructions", part), getattr(BEGIN_WORDS, part)
    return [begin_with(dice.pick(words)) for _ in range(count)]


def kept_by_turn(
    workshop: "FeedbackWorkshop", policy: "Llama", asked: Sequence[Sequence[Question]], systems: Sequence[str]
) -> list[float]:
    """Share of the conversations in which the answer follows the instruction, turn by turn.

    The instruction is said once; the policy's own earlier answers stay in sight.
    """
    chats = [[{"role": "system", "content": system}] for system in systems]
    shares = []
    for turn in range(len(asked[0])):
        for chat, questions in zip(chats, asked, strict=True):
            chat.append({"role": "user", "content": questions[turn].text})
        answers = _answers(workshop, policy, chats)
        for chat, answer in zip(chats, answers, strict=True):
            chat.append({"role": "assistant", "content": answer or "…"})
        shares.append(sum(map(follows, systems, answers)) / len(answers))
    return shares


def ghost_examples(
    workshop: "FeedbackWorkshop", policy: "Llama", asked: Sequence[Sequence[Question]], systems: Sequence[str]
) -> "list[Example]":
    """What Ghost Attention learns from: answers that were given with the instruction in sight, and then it is moved.

    Each question is answered in a chat of its own, directly after the instruction; answers that did not follow it are
    left out.  The others are put into one conversation with the instruction at its beginning only, and the last answer
    is learned.  The conversations have all lengths from two turns on; those with less are left out.
    """
    from llama_course.training.fine_tuning import example_of

    alone = [
        [{"role": "system", "content": system}, {"role": "user", "content": question.text}]
        for questions, system in zip(asked, systems, strict=True)
        for question in questions
    ]
    answers = iter(_answers(workshop, policy, alone))
    examples = []
    for number, (questions, system) in enumerate(zip(asked, systems, strict=True)):
        obeyed = [(q, answer) for q in questions if follows(system, answer := next(answers))]
        if len(obeyed) < 2:
            continue
        messages = [{"role": "system", "content": system}]
        for question, answer in obeyed[: 2 + number % (len(obeyed) - 1)]:
            messages += [{"role": "user", "content": question.text}, {"role": "assistant", "content": answer}]
        examples.append(example_of(messages, workshop.kitchen.encode))
    return examples


def _answers(workshop: "FeedbackWorkshop", policy: "Llama", chats) -> list[str]:
    """The most probable next answer in each chat."""
    from llama_course.models.prompts import llama_2_token_ids
    from llama_course.training.rollouts import sample_responses

    found = []
    for start in range(0, len(chats), 128):
        prompts = [llama_2_token_ids(chat, workshop.kitchen.encode) for chat in chats[start : start + 128]]
        drawn = sample_responses(policy, prompts, ANSWER_TOKENS, temperature=0)
        tokenizer = workshop.kitchen.tokenizer
        found += [tokenizer.decode(list(ids), skip_special_tokens=True).strip() for ids in drawn.response_ids()]
    return found
