"""Checks of the exercises of lesson 04, pretraining."""

import numpy as np

from llama_course.learning.checks import exercise, expect, expect_close, expect_function, expect_type
from llama_course.learning.expectations import numbers

SIZES = np.array([10_000, 20_000, 50_000, 100_000])


@exercise("04.1", title="The loss by hand", difficulty=2, minutes=10)
def check_04_1(loss):
    expect_function(loss, "probabilities, token_ids")
    # Four places, three tokens; what comes next is 2, 0, 1.
    probabilities = np.array([[0.25, 0.25, 0.5], [0.125, 0.375, 0.5], [0.2, 0.7, 0.1], [0.9, 0.05, 0.05]])
    ids = np.array([1, 2, 0, 1])
    right = -np.log([0.5, 0.125, 0.7]).mean()
    own = -np.log([0.25, 0.5, 0.2, 0.05])  # each place asked about the token that stands there
    got = numbers(loss(probabilities.copy(), ids.copy()), "loss(probabilities, token_ids)")
    expect(got.shape == (), "the loss is one number for the whole text: take the mean.")
    expect_close(
        got,
        right,
        "the mean of −ln p of the tokens that came next",
        [
            (own.mean(), "place i predicts token i + 1; you look up the token that stands at i itself"),
            (own[:3].mean(), "place i predicts token i + 1; you look up the token that stands at i itself"),
            (-np.log([0.5, 0.125, 0.7]).sum(), "take the mean over the predicted tokens, not their sum"),
            (3 / 4 * right, "three tokens are predicted here: divide by T − 1, not by T"),
            (-right, "a loss is positive: the minus sign is missing"),
            (right / np.log(2), "use the natural logarithm, not that to base 2"),
            (-np.log(np.mean([0.5, 0.125, 0.7])), "take the mean of the logarithms, not of the probabilities"),
        ],
    )
    sure = np.full((3, 2), 0.5)
    expect_close(loss(sure, [0, 1, 0]), np.log(2), "a model that hesitates between two tokens has a loss of ln 2")
    return "the right tokens, the mean, natural logarithms."


@exercise("04.2", title="One step of training", difficulty=2, minutes=10)
def check_04_2(train_step):
    import torch

    from llama_course.training.losses import next_token_loss

    expect_function(train_step, "model, optimizer, input_ids")
    batches = [torch.tensor([ids]) for ids in ([0, 1, 2, 3, 4, 0], [2, 2, 3, 1, 0, 4], [0, 1, 2, 3, 4, 0])]

    def fresh():
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Embedding(5, 4), torch.nn.Linear(4, 5))
        return model, torch.optim.SGD(model.parameters(), lr=0.5)

    def course(gradients_add_up: bool):
        """Losses of the oracle's own steps; and how far the weights went."""
        model, optimizer = fresh()
        losses = []
        for batch in batches:
            loss = next_token_loss(model(batch), batch)
            gradients = torch.autograd.grad(loss, list(model.parameters()))
            with torch.no_grad():
                for weight, gradient in zip(model.parameters(), gradients, strict=True):
                    old = weight.grad if gradients_add_up and weight.grad is not None else 0
                    weight.grad = gradient + old
            optimizer.step()
            losses.append(loss.item())
        return losses

    model, optimizer = fresh()
    before = [weight.detach().clone() for weight in model.parameters()]
    first = train_step(model, optimizer, batches[0])
    expect(first is not None, "return the loss: a return is missing.")
    if isinstance(first, torch.Tensor):
        expect(
            not first.requires_grad,
            "return a plain number: a tensor that remembers how it was computed keeps the memory of every step. "
            "loss.item() gives the number.",
        )
    got = [float(numbers(first, "the loss"))]
    still = all(torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))
    expect(not still, "the weights are as they were: is optimizer.step() missing, or is the gradient thrown away?")
    got += [float(numbers(train_step(model, optimizer, batch), "the loss")) for batch in batches[1:]]
    right, adding = course(False), course(True)
    expect_close(got[0], right[0], "the loss of the first batch, before the step")
    expect(
        not np.allclose(got, adding, rtol=1e-4),
        "from the second call on the weights go elsewhere: the gradient of the last call is still there and is added. "
        "Set it to zero before loss.backward().",
    )
    expect(
        got[2] < got[0] or np.allclose(got, right, rtol=1e-4),
        "after three steps the first batch surprises the model more than before: do the weights go the wrong way?",
    )
    expect_close(got, right, "the losses of three calls in a row", rtol=1e-3)
    return "three steps, each with its own gradient."


@exercise("04.3", title="A law, by hand", difficulty=3, minutes=15)
def check_04_3(predict_loss):
    expect_function(predict_loss, "sizes, losses, new_size")
    losses = 60 * SIZES**-0.3
    x, y = np.log(SIZES), np.log(losses)

    def line(a, b, at):
        slope, height = np.polyfit(a, b, 1)
        return height + slope * at

    got = numbers(predict_loss(SIZES.copy(), losses.copy(), 400_000), "predict_loss(sizes, losses, 400000)")
    expect(got.shape == (), "the prediction is one number.")
    expect_close(
        got,
        60 * 400_000**-0.3,
        "four losses that follow 60 · N^(−0.3) exactly, and a size four times as large",
        [
            (line(SIZES, losses, 400_000), "you fitted a line to the numbers themselves; fit it to their logarithms"),
            (line(x, losses, np.log(400_000)), "only the sizes are logarithms; take those of the losses as well"),
            (np.exp(line(SIZES, y, 400_000)), "only the losses are logarithms; take those of the sizes as well"),
            (line(x, y, np.log(400_000)), "this is the logarithm of the loss: undo it with exp"),
            (0.0, "the new size needs a logarithm, too, before it goes into the line"),
            (np.exp(line(x, y, np.log(400_000)) / np.log(2)), "logarithms to base 2 are undone with a power of 2"),
        ],
    )
    noisy = losses * np.array([1.02, 0.98, 1.01, 0.99])
    expect(
        np.isclose(predict_loss(SIZES, noisy, 400_000), np.exp(line(x, np.log(noisy), np.log(400_000))), rtol=1e-3),
        "with measurements that do not lie on the line exactly your prediction differs from that of the best line: "
        "use all of them, not only two.",
    )
    return "the line lies in the logarithms, and all measurements count."


@exercise("04.4", title="How many days?", difficulty=1, minutes=5)
def check_04_4(training_days):
    expect_function(training_days, "parameters, tokens, cards, peak_flop_per_s, utilisation")
    n, d, cards, peak, share = 1e9, 2e10, 16, 1e14, 0.4
    right = 6 * n * d / (cards * peak * share) / 86_400
    got = numbers(training_days(n, d, cards, peak, share), "training_days(1e9, 2e10, 16, 1e14, 0.4)")
    expect_close(
        got,
        right,
        "1e9 parameters, 2e10 tokens, 16 cards of 1e14 operations a second, used to 40 %",
        [
            (right * 86_400, "these are seconds; the answer is asked for in days"),
            (right * 24, "these are hours; the answer is asked for in days"),
            (right * 16, "the cards work side by side: divide by their number"),
            (right * share, "the cards do not reach their peak: use the utilisation"),
            (right * share**2, "cards that are used less take longer: divide by the utilisation, do not multiply"),
            (right / 3, "two operations are the way forwards; with the way back it is six"),
        ],
        rtol=1e-6,
        atol=0,
    )
    expect_close(training_days(2 * n, d, cards, peak, share) / right, 2.0, "a model twice as large takes twice as long")
    return "operations, cards, utilisation and the clock are in their places."


@exercise("04.5", title="What is missing?", difficulty=2, minutes=10)
def check_04_5(missing_row):
    expect_function(missing_row, "rows, total_hours, total_tonnes")
    rows = [(1000, 400, 0.2), (3000, 250, 0.375), (500, 800, 0.2)]  # 0.5 kg of CO2 for each kWh
    hours, watts = 2500, 300
    tonnes = hours * watts / 1000 * 0.5 / 1000
    totals = sum(row[0] for row in rows) + hours, sum(row[2] for row in rows) + tonnes
    answer = missing_row([tuple(row) for row in rows], *totals)
    expect_type(answer, (tuple, list, np.ndarray), "the answer")
    got = numbers(answer, "the answer")
    expect(got.shape == (3,), f"return three numbers, hours, watts and tonnes; yours has shape {got.shape}.")
    expect_close(
        got[0],
        hours,
        "the hours",
        [(-hours, "the other way round: what is missing is the total less the rows"), (totals[0], "the rows must go")],
    )
    expect_close(got[2], tonnes, "the tonnes", [(totals[1], "subtract the tonnes of the rows from the total")])
    mean_watts = np.mean([row[1] for row in rows])
    mean_rate = np.mean([row[2] / row[0] for row in rows])
    expect_close(
        got[1],
        watts,
        "the watts",
        [
            (mean_watts, "the mean of the other rows' watts says nothing about this one; its tonnes do"),
            (watts / 1000, "this is in kilowatts; the rows have watts"),
            (watts * 1000, "a card of 400 watts uses 0.4 kilowatt-hours in an hour: a factor of 1000 is too much"),
            (
                1000 * tonnes / (1000 * mean_rate) / hours,
                "tonnes per hour differ from row to row, with the watts; tonnes per kilowatt-hour are the same",
            ),
        ],
        rtol=1e-3,
    )
    return "hours and tonnes by subtraction, watts from the electricity."


@exercise("04.6", title="Can this card be true?", difficulty=2, minutes=15)
def check_04_6(judge_card):
    expect_function(judge_card, "parameters, tokens, gpu_hours, peak_flop_per_s, usual")
    n, d, peak, usual = 1e10, 1e12, 1e14, (0.3, 0.5)
    at_best = 6 * n * d / (3600 * peak)  # hours at a utilisation of 1

    def judged(utilisation):
        answer = judge_card(n, d, at_best / utilisation, peak, usual)
        expect(
            answer in ("impossible", "plausible", "unusual"),
            f"answer with one of the three words, as they are written; yours is {answer!r}.",
        )
        return answer

    expect(
        judged(2.0) == "impossible",
        f"a card whose hours mean a utilisation of 200 % is impossible; yours says {judged(2.0)!r}. Are six operations "
        "counted for each parameter and token, and 3,600 seconds for each hour?",
    )
    expect(
        judged(0.4) == "plausible",
        f"with a utilisation of 40 %, and 30 to 50 % usual, the card is plausible; yours says {judged(0.4)!r}. "
        "A factor is missing or too much: hours in seconds? six operations?",
    )
    expect(
        judged(0.8) == "unusual",
        f"80 % is better than anybody does, and possible: unusual; yours says {judged(0.8)!r}.",
    )
    expect(
        judged(0.1) == "unusual",
        f"10 % is less than usual, but nothing forbids it: unusual; yours says {judged(0.1)!r}.",
    )
    ends = [judged(0.3 * (1 + 1e-12)), judged(0.5 * (1 - 1e-12))]
    expect(ends == ["plausible"] * 2, "both ends of the usual range belong to it.")
    expect(judged(1 - 1e-9) != "impossible", "just below 100 % is very good, and not impossible.")
    return "finds the impossible, the usual and the odd."
