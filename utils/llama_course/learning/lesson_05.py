"""Checks of the exercises of lesson 05, fine-tuning."""

from llama_course.learning.checks import (
    describe,
    exercise,
    expect,
    expect_close,
    expect_equal,
    expect_function,
    expect_raises,
    expect_type,
)

TURNS = [("Who are you?", "A llama."), ("And you?", "The same."), ("Bye!", None)]


@exercise("05.1", title="A whole conversation", difficulty=2, minutes=10)
def check_05_1(write_chat):
    from llama_course.models.prompts import llama_2_prompt

    expect_function(write_chat, "turns, system=None")
    one = write_chat([("Who are you?", None)])
    expect_type(one, str, "the text of one question")
    expect(
        not one.rstrip().endswith("</s>"),
        "a prompt must stop after [/INST]: what comes next is the model's to write, and </s> is its to say.",
    )
    expect(one.startswith("<s>"), "a text begins with <s>.")
    expect(not one.endswith(" "), "nothing follows [/INST] in a prompt, not even a space: the answer brings its own.")
    expect_equal(one, _oracle([("Who are you?", None)]), "The text of one question")
    several = write_chat(TURNS)
    expect_type(several, str, "the text of three turns")
    expect(
        several.count("<s>") == 3,
        f"each turn begins with <s>; in three turns there are {several.count('<s>')}.",
    )
    expect("None" not in several, "the missing answer was written out as None: the last turn stops after [/INST].")
    expect(
        several.count(" </s>") == several.count("</s>") == 2,
        "a finished turn ends with a space and </s>, a turn without an answer does not.",
    )
    expect_equal(several, _oracle(TURNS), "The text of three turns")
    told = write_chat(TURNS, "Be brief.")
    expect(told.count("Be brief.") == 1, "the system prompt comes once, in the first question.")
    expect(
        told.startswith("<s>[INST] <<SYS>>"),
        f"the system prompt stands inside the first question, after [INST]; yours begins {told[:30]!r}.",
    )
    expect_equal(told, llama_2_prompt(_messages(TURNS, "Be brief.")), "The text with a system prompt")
    return "every tag and every space is where Llama 2-Chat saw it."


def _messages(turns, system: str | None = None) -> list[dict[str, str]]:
    messages = [{"role": "system", "content": system}] if system else []
    for question, answer in turns:
        messages.append({"role": "user", "content": question})
        if answer is not None:
            messages.append({"role": "assistant", "content": answer})
    return messages


def _oracle(turns) -> str:
    from llama_course.models.prompts import llama_2_prompt

    return llama_2_prompt(_messages(turns))


@exercise("05.2", title="What is learned of it", difficulty=2, minutes=10)
def check_05_2(ids_and_labels):
    expect_function(ids_and_labels, "prompt_ids, answer_ids, length, pad_id")
    prompt, answer = [1, 70, 71, 72], [80, 81, 2]
    got = ids_and_labels(list(prompt), list(answer), 10, 0)
    expect(isinstance(got, tuple | list) and len(got) == 2, f"return two lists, ids and labels; got {describe(got)}.")
    ids, labels = (list(part) for part in got)
    expect(
        len(ids) == len(labels) == 10,
        f"both lists must have 10 numbers; yours have {len(ids)} and {len(labels)}.",
    )
    expect(ids[:7] != [0, 0, 0, *prompt], "the padding belongs on the right: a token looks only at what is before it.")
    expect_equal(ids, [*prompt, *answer, 0, 0, 0], "The ids")
    expect(
        labels[3:6] != [80, 81, 2],
        "your labels are moved one place to the left. The loss does the moving: label t belongs to token t.",
    )
    expect(
        not any(label in (0, *prompt) for label in labels[:4]),
        "the prompt would be learned: its labels must be −100.",
    )
    expect(
        not any(label == 0 for label in labels[7:]),
        "the padding would be learned: its labels must be −100 as well.",
    )
    expect(
        labels[6] == 2,
        "the end token of the answer must be learned, or the model never learns to stop.",
    )
    expect_equal(labels, [-100] * 4 + answer + [-100] * 3, "The labels")
    same = ids_and_labels([1, 0, 71], [0, 2], 6, 0)
    expect_equal(
        list(same[1]),
        [-100, -100, -100, 0, 2, -100],
        "With a pad_id that also occurs in the answer, the labels",
        [([-100, -100, -100, -100, 2, -100], "decide by place, not by id: this 0 is a token of the answer")],
    )
    full = ids_and_labels([1, 5], [6, 2], 4, 0)
    expect_equal([list(part) for part in full], [[1, 5, 6, 2], [-100, -100, 6, 2]], "An example that fits exactly")
    expect_raises(lambda: ids_and_labels([1, 5, 5], [6, 2], 4, 0), ValueError, "An example longer than the length")
    _the_loss_agrees(ids_and_labels)
    return "the answer and its end are learned, the prompt and the padding are not."


def _the_loss_agrees(ids_and_labels) -> None:
    """With these labels the library's loss is that of its own batch."""
    import torch

    from llama_course.training.fine_tuning import Example, batch_of
    from llama_course.training.losses import next_token_loss

    examples = [Example((1, 9, 8), (7, 2)), Example((1, 4), (5, 6, 3, 2))]
    input_ids, labels = batch_of(examples, 0, 10)
    rows = [ids_and_labels(list(e.prompt_ids), list(e.answer_ids), input_ids.shape[1], 0) for e in examples]
    logits = torch.randn(2, input_ids.shape[1], 12, generator=torch.Generator().manual_seed(0))
    mine = next_token_loss(logits, torch.tensor([list(row[1]) for row in rows]))
    expect_close(mine, next_token_loss(logits, labels), "The loss of two examples with your labels")


def _adapters():
    """A layer and adapters in which no two sizes are equal."""
    import numpy as np

    rng = np.random.default_rng(5)
    return {
        "x": rng.normal(size=(3, 5)),
        "W": rng.normal(size=(4, 5)),
        "A": rng.normal(size=(2, 5)),
        "B": rng.normal(size=(4, 2)),
    }


@exercise("05.3", title="A layer with LoRA", difficulty=2, minutes=8)
def check_05_3(lora_layer):
    import numpy as np

    expect_function(lora_layer, "x, W, A, B, alpha")
    given = _adapters()
    x, W, A, B = given.values()
    nothing = lora_layer(x, W, A, np.zeros_like(B), 8.0)
    expect_close(
        nothing,
        x @ W.T,
        "With B = 0 the layer must be as it was",
        [(np.zeros((3, 4)), "the layer's own part, x·Wᵀ, is missing")],
    )
    right = _by_hand(x, W, A, B, 8.0)
    expect_close(
        lora_layer(x, W, A, B, 8.0),
        right,
        "With rank 2 and alpha 8",
        [
            (_by_hand(x, W, A, B, 2.0), "the scale alpha / rank is missing: here it is 4"),
            (_by_hand(x, W, A, B, 16.0), "the addition is multiplied by alpha alone; alpha / rank is meant"),
            (
                _by_hand(x, W, A, B, 8 / 5 * 2),
                "alpha was divided by the wrong side of A; the rank is the number of its rows",
            ),
            (right + 3 * (x @ W.T), "the scale belongs to LoRA's part alone"),
        ],
    )
    double = lora_layer(x, W, A, B, 16.0)
    expect_close(double - x @ W.T, 2 * (right - x @ W.T), "Twice the alpha must give twice the addition")
    _expect_thin(lora_layer)
    return "nothing changes while B is 0, the scale is right, and no large matrix is made."


def _by_hand(x, W, A, B, alpha):
    """Number by number, without a matrix product."""
    import numpy as np

    out = np.zeros((len(x), len(W)))
    for n, row in enumerate(x):
        for o, weights in enumerate(W):
            change = sum(B[o, r] * A[r, i] * row[i] for r in range(len(A)) for i in range(len(row)))
            out[n, o] = sum(w * v for w, v in zip(weights, row, strict=True)) + alpha / len(A) * change
    return out


def _expect_thin(lora_layer) -> None:
    """B @ A of this layer would take 3 MB; the thin way takes next to nothing."""
    import tracemalloc

    import numpy as np

    x, W, A, B = np.ones((1, 600)), np.ones((600, 600)), np.ones((1, 600)), np.ones((600, 1))
    tracemalloc.start()
    try:
        lora_layer(x, W, A, B, 1.0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    expect(
        peak < 0.3 * W.nbytes,
        "the numbers are right, but on the way you make a matrix as large as W. Let x go through A, then through B.",
    )


@exercise("05.4", title="Another hat", difficulty=3, minutes=10)
def check_05_4(change_adapter):
    import numpy as np

    expect_function(change_adapter, "W, old, new")
    rng = np.random.default_rng(7)
    plain = rng.normal(size=(4, 5))
    old = (rng.normal(size=(2, 5)), rng.normal(size=(4, 2)), 6.0)
    new = (rng.normal(size=(3, 5)), rng.normal(size=(4, 3)), 1.5)

    def change(adapter, scale=None):
        A, B, alpha = adapter
        return (alpha / len(A) if scale is None else scale) * np.einsum("or,ri->oi", B, A)

    merged = plain + change(old)
    untouched = merged.copy()
    got = change_adapter(merged, old, new)
    expect((merged == untouched).all(), "the caller's W was changed: work on a new matrix, without += and -=.")
    expect_close(
        got,
        plain + change(new),
        "The matrix with the new adapter",
        [
            (merged + change(new), "the old adapter is still in it: take it out first"),
            (merged - change(new) + change(old), "the two are mixed up: old comes out, new goes in"),
            (merged - change(old, 1) + change(new, 1), "the scale alpha / rank is missing"),
            (merged - change(old, 6.0) + change(new, 1.5), "alpha alone is not the scale; alpha / rank is meant"),
            (
                merged - change(old) + change(new, 1.5 / 2),
                "each adapter has its own rank: divide each alpha by its own",
            ),
        ],
    )
    back = change_adapter(got, new, old)
    expect_close(back, merged, "Changing back must give the first matrix again")
    return "the old adapter comes out without a trace, whatever the ranks are."


@exercise("05.5", title="The size of an adapter", difficulty=2, minutes=8)
def check_05_5(adapter_numbers):
    import torch

    from llama_course.models.llama import LLAMA_2_7B, LLAMA_2_70B, Llama, LlamaConfig
    from llama_course.training.lora import add_lora, lora_parameters

    expect_function(adapter_numbers, "config, rank")
    small = LlamaConfig(53, 24, 41, 3, 4, 2, 37)

    def built(config: LlamaConfig, rank: int) -> int:
        """Counted on a model of that size whose numbers are not stored."""
        with torch.device("meta"):
            return sum(parameter.numel() for parameter in lora_parameters(add_lora(Llama(config), rank)))

    got = adapter_numbers(LLAMA_2_7B, 8)
    expect_type(got, int, "the number for the 7B at rank 8")
    right = built(LLAMA_2_7B, 8)
    expect_equal(
        got,
        right,
        "For the 7B at rank 8, the number",
        [
            (right // 2, "is that of one half: there are A and B, on q_proj and on v_proj"),
            (right // 32, "is that of one layer"),
            (right // 8, "does not depend on the rank"),
            (32 * 2 * 4096 * 4096, "is that of the matrices themselves, not of the thin ones"),
        ],
    )
    squares = 80 * 2 * 8 * (8192 + 8192)
    expect_equal(
        adapter_numbers(LLAMA_2_70B, 8),
        built(LLAMA_2_70B, 8),
        "For the 70B at rank 8, the number",
        [(squares, "takes v_proj for a square: its output has num_key_value_heads · head_dim numbers")],
    )
    for rank in (1, 5):
        expect_equal(adapter_numbers(small, rank), built(small, rank), f"For a small config at rank {rank}, the number")
    return "counted as the library builds it, grouped keys and values included."


@exercise("05.6", title="Two hundred examples", difficulty=3, minutes=20)
def check_05_6(choose):
    from llama_course.evaluation.assistants import hurried_candidates
    from llama_course.llamaland.phrasings import fact
    from llama_course.llamaland.world import World

    expect_function(choose, "candidates, count")
    world, count = World(), 200
    candidates = hurried_candidates(world, 2400, seed=11)  # others than in the notebook
    chosen = choose([dict(candidate) for candidate in candidates], count)
    expect_type(chosen, (list, tuple), "the result")
    expect(
        all(isinstance(one, dict) and one in candidates for one in chosen),
        "return candidates as they lie there: something in your list is none of them.",
    )
    expect(len(chosen) <= count, f"{count} were asked for, and you return {len(chosen)}.")
    expect(len(chosen) == count, f"{count} were asked for, and you return only {len(chosen)}; there are enough.")
    keys = [(one["question"], one["answer"]) for one in chosen]
    expect(len(set(keys)) == count, "some candidates are in your list twice: the same example counts once.")
    golds = [fact(world.find(one["name"]), one["attribute"]) for one in chosen]
    twice = sum(len(one["answer"]) > len(fact_text) + 12 for one, fact_text in zip(chosen, golds, strict=True))
    expect(
        twice == 0,
        f"{twice} of your answers say things twice. One can see that without knowing the truth: "
        "a good answer here is one sentence.",
    )
    wrong = sum(gold not in one["answer"] for one, gold in zip(chosen, golds, strict=True))
    expect(
        wrong <= 0.03 * count,
        f"{wrong} of your {count} answers are wrong. Nobody tells you which, but others were asked for the same fact: "
        "errors differ, and the truth repeats itself.",
    )
    people, reachable = len({one["name"] for one in chosen}), len(_people_with_agreement(candidates))
    expect(
        people >= 0.9 * min(count, reachable),
        f"your choice is about {people} people, and {min(count, reachable)} could come up: spread it wider.",
    )
    return f"{count - wrong} of {count} answers are right, about {people} people."


def _people_with_agreement(candidates) -> set[str]:
    """People of whom a fact was answered alike at least twice."""
    seen: set[tuple[str, str, str]] = set()
    found = set()
    for candidate in candidates:
        key = candidate["name"], candidate["attribute"], candidate["answer"]
        if key in seen:
            found.add(candidate["name"])
        seen.add(key)
    return found
