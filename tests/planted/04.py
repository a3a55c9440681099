"""Typical mistakes in the exercises of lesson 04: (exercise, wrong answer, words that only this mistake is told)."""

import numpy as np

from llama_course.training.losses import next_token_loss


def loss_of_the_token_itself(probabilities, token_ids):
    return -np.log(probabilities[np.arange(len(token_ids)), token_ids]).mean()


def loss_as_a_sum(probabilities, token_ids):
    return -np.log(probabilities[np.arange(len(token_ids) - 1), token_ids[1:]]).sum()


def loss_of_the_mean_probability(probabilities, token_ids):
    token_ids = np.asarray(token_ids)
    return -np.log(probabilities[np.arange(len(token_ids) - 1), token_ids[1:]].mean())


def step_that_adds_gradients(model, optimizer, input_ids):
    loss = next_token_loss(model(input_ids), input_ids)
    loss.backward()
    optimizer.step()
    return loss.item()


def step_without_a_step(model, optimizer, input_ids):
    loss = next_token_loss(model(input_ids), input_ids)
    optimizer.zero_grad()
    loss.backward()
    return loss.item()


def step_that_returns_the_tensor(model, optimizer, input_ids):
    loss = next_token_loss(model(input_ids), input_ids)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def line_through_the_numbers(sizes, losses, new_size):
    slope, height = np.polyfit(sizes, losses, 1)
    return height + slope * new_size


def line_without_exp(sizes, losses, new_size):
    slope, height = np.polyfit(np.log(sizes), np.log(losses), 1)
    return height + slope * np.log(new_size)


def line_through_two_points(sizes, losses, new_size):
    slope = np.log(losses[-1] / losses[0]) / np.log(sizes[-1] / sizes[0])
    return losses[-1] * (new_size / sizes[-1]) ** slope


def days_in_seconds(parameters, tokens, cards, peak_flop_per_s, utilisation):
    return 6 * parameters * tokens / (cards * peak_flop_per_s * utilisation)


def days_forwards_only(parameters, tokens, cards, peak_flop_per_s, utilisation):
    return 2 * parameters * tokens / (cards * peak_flop_per_s * utilisation) / 86_400


def days_at_the_peak(parameters, tokens, cards, peak_flop_per_s, utilisation):
    return 6 * parameters * tokens / (cards * peak_flop_per_s) / 86_400


def row_with_mean_watts(rows, total_hours, total_tonnes):
    hours, watts, tonnes = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    return total_hours - hours.sum(), watts.mean(), total_tonnes - tonnes.sum()


def row_in_kilowatts(rows, total_hours, total_tonnes):
    hours, watts, tonnes = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    missing_hours, missing_tonnes = total_hours - hours.sum(), total_tonnes - tonnes.sum()
    per_kwh = tonnes.sum() / (hours * watts / 1000).sum()
    return missing_hours, missing_tonnes / per_kwh / missing_hours, missing_tonnes


def row_the_other_way_round(rows, total_hours, total_tonnes):
    return sum(row[0] for row in rows) - total_hours, 300, sum(row[2] for row in rows) - total_tonnes


def card_without_the_impossible(parameters, tokens, gpu_hours, peak_flop_per_s, usual):
    utilisation = 6 * parameters * tokens / (gpu_hours * 3600 * peak_flop_per_s)
    return "plausible" if usual[0] <= utilisation <= usual[1] else "unusual"


def card_where_too_little_is_impossible(parameters, tokens, gpu_hours, peak_flop_per_s, usual):
    utilisation = 6 * parameters * tokens / (gpu_hours * 3600 * peak_flop_per_s)
    if utilisation > 1 or utilisation < usual[0]:
        return "impossible"
    return "plausible" if utilisation <= usual[1] else "unusual"


def card_forwards_only(parameters, tokens, gpu_hours, peak_flop_per_s, usual):
    utilisation = 2 * parameters * tokens / (gpu_hours * 3600 * peak_flop_per_s)
    if utilisation > 0.5:  # so that the impossible is found, by luck
        return "impossible"
    return "plausible" if usual[0] <= utilisation <= usual[1] else "unusual"


MISTAKES = [
    ("04.1", loss_of_the_token_itself, "you look up the token that stands at i itself"),
    ("04.1", loss_as_a_sum, "not their sum"),
    ("04.1", loss_of_the_mean_probability, "not of the probabilities"),
    ("04.2", step_that_adds_gradients, "is still there and is added"),
    ("04.2", step_without_a_step, "the weights are as they were"),
    ("04.2", step_that_returns_the_tensor, "return a plain number"),
    ("04.3", line_through_the_numbers, "fit it to their logarithms"),
    ("04.3", line_without_exp, "undo it with exp"),
    ("04.3", line_through_two_points, "use all of them, not only two"),
    ("04.4", days_in_seconds, "these are seconds"),
    ("04.4", days_forwards_only, "with the way back it is six"),
    ("04.4", days_at_the_peak, "use the utilisation"),
    ("04.5", row_with_mean_watts, "says nothing about this one"),
    ("04.5", row_in_kilowatts, "this is in kilowatts"),
    ("04.5", row_the_other_way_round, "the total less the rows"),
    ("04.6", card_without_the_impossible, "a utilisation of 200 % is impossible"),
    ("04.6", card_where_too_little_is_impossible, "nothing forbids it"),
    ("04.6", card_forwards_only, "A factor is missing or too much"),
]
