"""Lesson 04: right answers of other kinds pass, further mistakes are named; the rest is in test_notebooks.py."""

import numpy as np
import pytest
import torch

from llama_course.learning import lesson_04
from llama_course.learning.checks import CheckFailed
from llama_course.policy.training_cost import training_flop
from llama_course.training.losses import next_token_loss


def library_loss(probabilities, token_ids):
    logits = torch.tensor(probabilities).log()[None]
    return next_token_loss(logits, torch.tensor(np.asarray(token_ids))[None])


def loss_in_a_loop(probabilities, token_ids):
    found = [-np.log(probabilities[place][token]) for place, token in enumerate(token_ids[1:])]
    return sum(found) / len(found)


@pytest.mark.parametrize("answer", [library_loss, loss_in_a_loop])
def test_other_right_losses_pass(answer):
    assert lesson_04.check_04_1(answer)


def step_that_clears_afterwards(model, optimizer, input_ids):
    loss = next_token_loss(model(input_ids), input_ids)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


def step_that_clears_the_model(model, optimizer, input_ids):
    model.zero_grad()
    loss = next_token_loss(model(input_ids), input_ids)
    loss.backward()
    optimizer.step()
    return loss.detach()


@pytest.mark.parametrize("answer", [step_that_clears_afterwards, step_that_clears_the_model])
def test_other_right_steps_pass(answer):
    assert lesson_04.check_04_2(answer)


def law_in_base_ten(sizes, losses, new_size):
    slope, height = np.polyfit(np.log10(sizes), np.log10(losses), 1)
    return 10 ** (height + slope * np.log10(new_size))


def law_by_least_squares(sizes, losses, new_size):
    x = np.stack([np.ones(len(sizes)), np.log(sizes)], axis=1)
    (height, slope), *_ = np.linalg.lstsq(x, np.log(losses), rcond=None)
    return np.exp(height) * new_size**slope


@pytest.mark.parametrize("answer", [law_in_base_ten, law_by_least_squares])
def test_other_right_laws_pass(answer):
    assert lesson_04.check_04_3(answer)


def test_the_librarys_rule_gives_the_days():
    assert lesson_04.check_04_4(lambda n, d, cards, peak, share: training_flop(n, d) / (cards * peak * share) / 86_400)


def missing_row_from_the_first(rows, total_hours, total_tonnes):
    hours = total_hours - sum(row[0] for row in rows)
    tonnes = total_tonnes - sum(row[2] for row in rows)
    first_hours, first_watts, first_tonnes = rows[0]
    return [hours, tonnes / first_tonnes * first_hours * first_watts / hours, tonnes]


def test_the_watts_may_be_found_from_any_row():
    assert lesson_04.check_04_5(missing_row_from_the_first)


def line(x, y, at):
    return np.polyval(np.polyfit(x, y, 1), at)


MORE_MISTAKES = [
    (lesson_04.check_04_1, lambda p, ids: -np.log(p[:-1]), "one number for the whole text"),
    (lesson_04.check_04_1, lambda p, ids: -library_loss(p, ids), "the minus sign is missing"),
    (lesson_04.check_04_1, lambda p, ids: library_loss(p, ids) * 3 / 4, "divide by T − 1"),
    (lesson_04.check_04_1, lambda p, ids: library_loss(p, ids) / np.log(2), "not that to base 2"),
    (lesson_04.check_04_1, 0.5, "expected a function of (probabilities, token_ids)"),
    (lesson_04.check_04_2, lambda m, o, ids: None, "a return is missing"),
    (
        lesson_04.check_04_3,
        lambda n, y, new: np.exp(np.polyval(np.polyfit(n, np.log(y), 1), new)),
        "only the losses are",
    ),
    (
        lesson_04.check_04_3,
        lambda n, y, new: np.polyval(np.polyfit(np.log(n), y, 1), np.log(new)),
        "only the sizes are",
    ),
    (lesson_04.check_04_4, lambda n, d, c, p, u: 6 * n * d / (p * u) / 86_400, "side by side"),
    (lesson_04.check_04_4, lambda n, d, c, p, u: 6 * n * d * u / (c * p) / 86_400, "do not multiply"),
    (lesson_04.check_04_4, lambda n, d, c, p, u: 6 * n * d / (c * p * u) / 3600, "these are hours"),
    (lesson_04.check_04_5, lambda rows, hours, tonnes: hours, "expected tuple or list"),
    (lesson_04.check_04_5, lambda rows, hours, tonnes: (1.0, 2.0), "return three numbers"),
    (lesson_04.check_04_6, lambda n, d, h, p, usual: True, "one of the three words"),
    (lesson_04.check_04_6, lambda n, d, h, p, usual: "impossible", "the card is plausible"),
]


@pytest.mark.parametrize(("check", "answer", "fragment"), MORE_MISTAKES)
def test_more_mistakes_get_their_own_message(check, answer, fragment):
    with pytest.raises(CheckFailed) as failure:
        check(answer)
    assert fragment in str(failure.value)


def card_with_open_ends(n, d, hours, peak, usual):
    utilisation = training_flop(n, d) / (hours * 3600 * peak)
    if utilisation >= 0.999:
        return "impossible"
    return "plausible" if usual[0] < utilisation < usual[1] else "unusual"


def test_just_below_the_best_is_not_impossible():
    with pytest.raises(CheckFailed, match="just below 100 %"):
        lesson_04.check_04_6(card_with_open_ends)
