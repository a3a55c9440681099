"""Typical mistakes in the exercises of lesson 12: (exercise, wrong answer, words that only this mistake is told)."""


def one_step_for_all(row, bits, size):
    step = max(map(abs, row)) / (2 ** (bits - 1) - 1)
    return [step * round(number / step) if step else 0.0 for number in row]


def codes_only(row, bits, size):
    back = []
    for start in range(0, len(row), size):
        group = row[start : start + size]
        step = max(map(abs, group)) / (2 ** (bits - 1) - 1)
        back += [round(number / step) if step else 0 for number in group]
    return back


def eight_steps(row, bits, size):
    back = []
    for start in range(0, len(row), size):
        group = row[start : start + size]
        step = max(map(abs, group)) / 2 ** (bits - 1)
        back += [step * round(number / step) if step else 0.0 for number in group]
    return back


def sixteen_steps(group, bits):
    step = (max(group) - min(group)) / 2**bits
    return [round((number - min(group)) / step) if step else 0 for number in group], step, min(group)


def from_nought(group, bits):
    step = max(group) / (2**bits - 1)
    return [round(number / step) for number in group], step, 0.0


def not_rounded(group, bits):
    step = (max(group) - min(group)) / (2**bits - 1)
    return [(number - min(group)) / step for number in group], step, min(group)


def upper_half_first(codes):
    if any(not 0 <= code <= 15 for code in codes):
        raise ValueError("no")
    filled = [*codes, 0] if len(codes) % 2 else codes
    return bytes(16 * a + b for a, b in zip(filled[::2], filled[1::2], strict=True))


def a_byte_each(codes):
    return bytes(codes)


def the_last_is_lost(codes):
    if any(not 0 <= code <= 15 for code in codes):
        raise ValueError("no")
    return bytes(a + 16 * b for a, b in zip(codes[::2], codes[1::2], strict=False))


def weights_for_each(gb_per_s, weights_gb, cache_gb, users):
    steps = gb_per_s / (users * (weights_gb + cache_gb))
    return steps, users * steps


def one_cache(gb_per_s, weights_gb, cache_gb, users):
    steps = gb_per_s / (weights_gb + cache_gb)
    return steps, users * steps


def seconds(gb_per_s, weights_gb, cache_gb, users):
    step = (weights_gb + users * cache_gb) / gb_per_s
    return step, step


def memory_alone(cards, users, wanted, weights_gb, cache_gb):
    needed = weights_gb + users * cache_gb
    return next((name for name, memory, _ in cards if needed <= 0.9 * memory), None)


def all_of_the_memory(cards, users, wanted, weights_gb, cache_gb):
    needed = weights_gb + users * cache_gb
    return next((name for name, memory, speed in cards if needed <= memory and speed / needed >= wanted), None)


def speed_of_all_together(cards, users, wanted, weights_gb, cache_gb):
    needed = weights_gb + users * cache_gb
    fitting = ((name, speed) for name, memory, speed in cards if needed <= 0.9 * memory)
    return next((name for name, speed in fitting if users * speed / needed >= wanted), None)


USUAL = {"log": "nobody", "ban": "nobody", "refuse": "model", "disclose": "app", "recall": "user"}


def rules(**changed):
    def rules_for_a_phone():
        return {
            name: (who, f"The rule {name} is kept by this one on a phone.") for name, who in (USUAL | changed).items()
        }

    return rules_for_a_phone


def the_same_for_all():
    return dict.fromkeys(USUAL, ("app", "The app does it for all of us, as it always did."))


MISTAKES = [
    ("12.1", one_step_for_all, "one step was used for the whole row"),
    ("12.1", codes_only, "these are the codes"),
    ("12.1", eight_steps, "7 steps up from 0, not 8"),
    ("12.2", sixteen_steps, "16 codes have 15 steps"),
    ("12.2", from_nought, "the range begins at the smallest number"),
    ("12.2", not_rounded, "a code is a whole number"),
    ("12.3", upper_half_first, "the first code belongs into the lower half"),
    ("12.3", a_byte_each, "each code has a byte of its own"),
    ("12.3", the_last_is_lost, "the last was lost"),
    ("12.4", weights_for_each, "the weights are read once for all users"),
    ("12.4", one_cache, "every user has a cache of their own"),
    ("12.4", seconds, "tokens a second are the inverse"),
    ("12.5", memory_alone, "large enough, but not fast enough"),
    ("12.5", all_of_the_memory, "only nine tenths of the memory"),
    ("12.5", speed_of_all_together, "each user is to see the wanted speed"),
    ("12.6", rules(log="model"), "can it report it without a network"),
    ("12.6", rules(recall="the firm"), "who is one of"),
    ("12.6", the_same_for_all, "two rules have the same sentence"),
]
