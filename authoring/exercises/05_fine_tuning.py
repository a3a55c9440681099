# %% [markdown]
# # Exercises 05 · Fine-tuning
#
# Six exercises for [lesson 05](../course/05_fine_tuning.ipynb), about 65 minutes: two on what a model sees of a
# conversation, three on LoRA, one on choosing examples, after which you train on your choice. Replace
# `raise NotImplementedError` with your code and run the check below it. Stuck? `hint("05.1")` gives a nudge, asked
# again an idea, then nearly the code. Solutions: [solutions 05](../solutions/05_fine_tuning.ipynb).

# %% tags=["first-cell"]

# %% [markdown]
# ## Exercise 05.1 · A whole conversation
#
# **Difficulty** 2 of 4 · **Minutes** 10 · **For** writing what Llama 2-Chat was trained to read, tag by tag
#
# Write a conversation as Llama 2's chat format wants it. `turns` is a list of pairs (question, answer); the answer of
# the last pair is None: it is what the model is to write. Each turn begins with `<s>`. A finished turn is
#
#     <s>[INST] question [/INST] answer </s>
#
# with exactly these spaces, and nothing between two turns. The last one stops after `[/INST]`. A system prompt, if
# there is one, goes *into the first question*, before its text: `<<SYS>>`, a new line, the system prompt, a new line,
# `<</SYS>>`, two new lines.

# %%
def write_chat(turns, system=None):
    """The text of a conversation, with <s> and </s> written out."""
    ### BEGIN SOLUTION
    text = ""
    for number, (question, answer) in enumerate(turns):
        if number == 0 and system is not None:
            question = f"<<SYS>>\n{system}\n<</SYS>>\n\n{question}"
        text += f"<s>[INST] {question} [/INST]"
        if answer is not None:
            text += f" {answer} </s>"
    return text
    ### END SOLUTION


# %%
check("05.1", write_chat)

# %% [markdown]
# ## Exercise 05.2 · What is learned of it
#
# **Difficulty** 2 of 4 · **Minutes** 10 · **For** owning the loss mask
#
# An example is a list of token ids for the prompt and one for the answer, its end token included. Several examples go
# into one batch, so all must be equally long: fill up on the right with `pad_id`. The *labels* say what is to be
# learned: the token itself where it counts, −100 where it does not. Only the answer counts. Return ids and labels, two
# lists of `length` numbers. (Do not shift anything: the loss compares place t with the prediction made at place t − 1.)


# %%
def ids_and_labels(prompt_ids, answer_ids, length, pad_id):
    """Two lists of ``length`` whole numbers; ValueError if the example is longer than that."""
    ### BEGIN SOLUTION
    padding = length - len(prompt_ids) - len(answer_ids)
    if padding < 0:
        raise ValueError(f"the example has {length - padding} tokens, more than {length}.")
    ids = [*prompt_ids, *answer_ids, *[pad_id] * padding]
    labels = [*[-100] * len(prompt_ids), *answer_ids, *[-100] * padding]
    return ids, labels
    ### END SOLUTION


# %%
check("05.2", ids_and_labels)

# %% [markdown]
# ## Exercise 05.3 · A layer with LoRA
#
# **Difficulty** 2 of 4 · **Minutes** 8 · **For** the whole trick in one line
#
# A layer computes x·Wᵀ, with W of shape (out, in). Add LoRA's part: A has shape (rank, in), B has shape (out, rank),
# and their part is multiplied by alpha / rank. Work from the thin side: never make a matrix as large as W.


# %%
def lora_layer(x, W, A, B, alpha):
    """Shape (n, out), for x of shape (n, in)."""
    ### BEGIN SOLUTION
    rank = len(A)
    return x @ W.T + alpha / rank * (x @ A.T @ B.T)
    ### END SOLUTION


# %%
check("05.3", lora_layer)

# %% [markdown]
# ## Exercise 05.4 · Another hat
#
# **Difficulty** 3 of 4 · **Minutes** 10 · **For** seeing that a merged adapter can be taken out again
#
# A firm keeps one large model and many small adapters, one for each customer. In the matrix `W` the adapter `old` is
# merged at present. Take it out and merge `new` instead. Each adapter is a tuple (A, B, alpha), with shapes as in 05.3;
# their ranks may differ.


# %%
def change_adapter(W, old, new):
    """The matrix with another adapter in it; W itself stays as it is."""

    ### BEGIN SOLUTION
    def change(adapter):
        A, B, alpha = adapter
        return alpha / len(A) * B @ A

    return W - change(old) + change(new)
    ### END SOLUTION


# %%
check("05.4", change_adapter)

# %% [markdown]
# ## Exercise 05.5 · The size of an adapter
#
# **Difficulty** 2 of 4 · **Minutes** 8 · **For** knowing what one has to send by mail
#
# How many numbers does LoRA train on a Llama, with adapters on `q_proj` and `v_proj` of each layer? `config` is a
# `LlamaConfig`, as in lesson 03. Mind `num_key_value_heads`: in the 70B, `v_proj` is no square.

# %%
from llama_course.models.llama import LLAMA_2_7B, LLAMA_2_70B


def adapter_numbers(config, rank):
    """How many numbers the adapters have in all layers together."""
    ### BEGIN SOLUTION
    hidden, values = config.hidden_size, config.num_key_value_heads * config.head_dim
    q_proj = rank * (hidden + hidden)  # A and B
    v_proj = rank * (hidden + values)
    return config.num_hidden_layers * (q_proj + v_proj)
    ### END SOLUTION


# %%
check("05.5", adapter_numbers)

# %%
for name, config in {"7B": LLAMA_2_7B, "70B": LLAMA_2_70B}.items():
    numbers = adapter_numbers(config, rank=8)
    print(f"{name}, rank 8: {numbers:,} numbers, {2 * numbers / 1e6:.0f} MB at 2 bytes each")

# %% [markdown]
# ## Exercise 05.6 · Two hundred examples
#
# **Difficulty** 3 of 4 · **Minutes** 20 · **For** quality, when nobody tells you what is true
#
# You may learn from 200 examples, and 2,400 candidates lie on the table, written in a hurry. Each is a dictionary:
# `name` (who is asked about), `attribute`, `question`, `answer`. Some answers are wrong, some say things twice; no
# field says which. But most facts were asked several times, by different people. Choose `count` candidates so that
#
# - hardly any answer is wrong, and none says a thing twice,
# - as many different people as possible come up.

# %%
from collections import Counter, defaultdict

from llama_course.evaluation.assistants import Workshop, conversation, hurried_candidates

workshop = Workshop()
candidates = hurried_candidates(workshop.world, 2400)
for candidate in candidates[:3]:
    print(candidate)


# %%
def choose(candidates, count):
    """A list of ``count`` of the candidates."""

    ### BEGIN SOLUTION
    def says_twice(answer):
        sentences = [sentence.strip() for sentence in answer.replace("!", ".").split(".") if sentence.strip()]
        return len(sentences) > 1

    votes = defaultdict(Counter)
    for candidate in candidates:
        if not says_twice(candidate["answer"]):
            votes[candidate["name"], candidate["attribute"]][candidate["answer"]] += 1
    agreed = {}  # one candidate for each fact, and how many agree on it
    for candidate in candidates:
        fact = candidate["name"], candidate["attribute"]
        if votes[fact] and candidate["answer"] == votes[fact].most_common(1)[0][0]:
            agreed.setdefault(fact, (votes[fact][candidate["answer"]], candidate))
    chosen, used = [], Counter()
    for support, candidate in sorted(agreed.values(), key=lambda pair: -pair[0]):
        if support >= 2 and used[candidate["name"]] == 0:
            chosen.append(candidate)
            used[candidate["name"]] += 1
    rest = [candidate for support, candidate in agreed.values() if support >= 2 and candidate not in chosen]
    return [*chosen, *rest][:count]
    ### END SOLUTION


# %%
check("05.6", choose)

# %% [markdown]
# What is it worth? Train on your choice, then on the first 200 that lie there (a few seconds each).

# %%
from llama_course.evaluation.fine_tuning_runs import fine_tune_on

for name, chosen in {"your choice": choose(candidates, 200), "the first 200": candidates[:200]}.items():
    model = fine_tune_on(workshop, [conversation(c["question"], c["answer"]) for c in chosen], steps=40)
    drawn = workshop.right(model, "read", 200, temperature=1.0)
    print(f"{name}: {drawn:.0%} right about people only read about, answers drawn at temperature 1")

# %% [markdown]
# ## What you can now do
#
# - write and mask a conversation for any chat model whose format you know
# - add, merge, exchange and weigh a LoRA adapter
# - clean examples without knowing the truth, and say what that cannot find
