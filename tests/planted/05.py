"""Typical mistakes in the exercises of lesson 05: (exercise, wrong answer, words that only this mistake is told)."""

from collections import Counter, defaultdict


def chat_with_one_beginning(turns, system=None):
    text = "<s>"
    for number, (question, answer) in enumerate(turns):
        if number == 0 and system is not None:
            question = f"<<SYS>>\n{system}\n<</SYS>>\n\n{question}"
        text += f"[INST] {question} [/INST]" + (f" {answer} </s>" if answer is not None else "")
    return text


def chat_with_the_system_prompt_outside(turns, system=None):
    text = "" if system is None else f"<<SYS>>\n{system}\n<</SYS>>\n\n"
    for question, answer in turns:
        text += f"<s>[INST] {question} [/INST]" + (f" {answer} </s>" if answer is not None else "")
    return text


def chat_that_ends_the_answer_for_the_model(turns, system=None):
    text = ""
    for number, (question, answer) in enumerate(turns):
        if number == 0 and system is not None:
            question = f"<<SYS>>\n{system}\n<</SYS>>\n\n{question}"
        text += f"<s>[INST] {question} [/INST] {answer or ''} </s>"
    return text


def labels_moved(prompt_ids, answer_ids, length, pad_id):
    padding = length - len(prompt_ids) - len(answer_ids)
    if padding < 0:
        raise ValueError("too long")
    ids = [*prompt_ids, *answer_ids, *[pad_id] * padding]
    labels = [*[-100] * len(prompt_ids), *answer_ids, *[-100] * padding]
    return ids, [*labels[1:], -100]


def labels_of_the_padding_too(prompt_ids, answer_ids, length, pad_id):
    padding = length - len(prompt_ids) - len(answer_ids)
    if padding < 0:
        raise ValueError("too long")
    ids = [*prompt_ids, *answer_ids, *[pad_id] * padding]
    return ids, [-100] * len(prompt_ids) + ids[len(prompt_ids) :]


def labels_by_id(prompt_ids, answer_ids, length, pad_id):
    padding = length - len(prompt_ids) - len(answer_ids)
    if padding < 0:
        raise ValueError("too long")
    ids = [*prompt_ids, *answer_ids, *[pad_id] * padding]
    return ids, [-100 if place < len(prompt_ids) or i == pad_id else i for place, i in enumerate(ids)]


def lora_without_scale(x, W, A, B, alpha):
    return x @ W.T + x @ A.T @ B.T


def lora_with_alpha_alone(x, W, A, B, alpha):
    return x @ W.T + alpha * (x @ A.T @ B.T)


def lora_by_a_large_matrix(x, W, A, B, alpha):
    change = alpha / len(A) * (B @ A)
    return x @ W.T + x @ change.T


def adapter_added(W, old, new):
    A, B, alpha = new
    return W + alpha / len(A) * B @ A


def adapter_without_scale(W, old, new):
    return W - old[1] @ old[0] + new[1] @ new[0]


def adapter_with_the_rank_of_the_old(W, old, new):
    rank = len(old[0])
    return W - old[2] / rank * old[1] @ old[0] + new[2] / rank * new[1] @ new[0]


def numbers_with_a_square_v(config, rank):
    return config.num_hidden_layers * 2 * rank * 2 * config.hidden_size


def numbers_of_one_layer(config, rank):
    return rank * (3 * config.hidden_size + config.num_key_value_heads * config.head_dim)


def numbers_of_the_matrices(config, rank):
    values = config.num_key_value_heads * config.head_dim
    return config.num_hidden_layers * (config.hidden_size**2 + config.hidden_size * values)


def choose_the_first(candidates, count):
    return [one for one in candidates if one["answer"].count(".") == 1 and "!" not in one["answer"]][:count]


def choose_without_reading(candidates, count):
    return candidates[:count]


def choose_about_few(candidates, count):
    votes = defaultdict(Counter)
    for one in candidates:
        if one["answer"].count(".") == 1 and "!" not in one["answer"]:
            votes[one["name"], one["attribute"]][one["answer"]] += 1
    agreed = [one for one in candidates if votes[one["name"], one["attribute"]][one["answer"]] >= 2]
    return sorted(agreed, key=lambda one: one["name"])[:count]


MISTAKES = [
    ("05.1", chat_with_one_beginning, "each turn begins with <s>"),
    ("05.1", chat_with_the_system_prompt_outside, "stands inside the first question"),
    ("05.1", chat_that_ends_the_answer_for_the_model, "a prompt must stop after [/INST]"),
    ("05.2", labels_moved, "moved one place to the left"),
    ("05.2", labels_of_the_padding_too, "the padding would be learned"),
    ("05.2", labels_by_id, "decide by place, not by id"),
    ("05.3", lora_without_scale, "the scale alpha / rank is missing"),
    ("05.3", lora_with_alpha_alone, "multiplied by alpha alone"),
    ("05.3", lora_by_a_large_matrix, "make a matrix as large as W"),
    ("05.4", adapter_added, "the old adapter is still in it"),
    ("05.4", adapter_without_scale, "the scale alpha / rank is missing"),
    ("05.4", adapter_with_the_rank_of_the_old, "each adapter has its own rank"),
    ("05.5", numbers_with_a_square_v, "takes v_proj for a square"),
    ("05.5", numbers_of_one_layer, "is that of one layer"),
    ("05.5", numbers_of_the_matrices, "is that of the matrices themselves"),
    ("05.6", choose_the_first, "of your 200 answers are wrong"),
    ("05.6", choose_without_reading, "say things twice"),
    ("05.6", choose_about_few, "spread it wider"),
]
