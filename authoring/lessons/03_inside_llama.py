# %% [markdown]
# # 03 · Inside Llama 2
#
# **Question.** What exactly was released?
#
# **You will be able to** read a file of weights; write Llama 2's architecture on one page of your own code and prove it
# equal to Hugging Face's `transformers`; say where its numbers are and how much memory a conversation takes; look into
# a model's layers, and say what such a look does not show.
#
# **Before you start.** Lesson 02. Python with a little numpy; no machine learning.
#
# **Time.** 60 minutes. **Compute.** 30 s on two CPU cores. **Memory.** 1.0 GiB.
#
# **Claims tested.** Open source, "meaning that the original code is freely available, allowing it to be researched and
# modified" (A1).

# %% tags=["first-cell"]

# %% [markdown]
# Llama 2 is open source, one of the five articles tells its readers, …

# %%
from llama_course.policy.architecture import fact, sizes
from llama_course.policy.claims import claim, evidence

print(f"… “{claim('A1.3').quote}”.")

# %% [markdown]
# A language model comes in two pieces: **code**, and a file of numbers, the **weights**. Which of the two is the thing?
# We take both apart, on the small chat model of lesson 02, which is built like Llama 2.
#
# **Predict first.** How many lines of Python does it take to make a model that writes out of the file of numbers?
#
# ## 1. A file of numbers
#
# The file's format, safetensors, is simple: 8 bytes say how long the table of contents is; then comes the table, as
# JSON; then the numbers.

# %%
import json

from llama_course.models.inside import model_folder

folder = model_folder()
path = folder / "model.safetensors"
with open(path, "rb") as file:
    length = int.from_bytes(file.read(8), "little")
    contents = json.loads(file.read(length))
    first_byte = file.tell()
contents.pop("__metadata__", None)
rest = path.stat().st_size - first_byte
print(f"{first_byte:,} bytes of contents, then {len(contents)} arrays in {rest:,} bytes")

# %%
from llama_course.widgets.html import table

shown = [name for name in contents if ".layers." not in name or ".layers.0." in name]
table([(name, contents[name]["shape"]) for name in shown], header=["name", "shape"])

# %% [markdown]
# One array with a row for each token of the vocabulary, nine arrays for layer 0, the same nine for every other layer,
# and a last one. Open one:

# %%
import numpy as np

entry = contents["model.layers.0.self_attn.q_proj.weight"]
offset = first_byte + entry["data_offsets"][0]
q_proj = np.fromfile(path, np.float16, np.prod(entry["shape"]), offset=offset).reshape(entry["shape"])
print(q_proj)

# %% [markdown]
# **Predict first.** This model knows that the capital of France is Paris, as you will see. Do the five letters *Paris*
# stand anywhere in the file?

# %%
import mmap

for name in ("model.safetensors", "tokenizer.json"):
    with open(folder / name, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        print(f"“Paris” in {name}: {data.find(b'Paris') >= 0}")

# %% [markdown]
# No word, no rule, nothing that could run. Two small files go with it: the tokenizer's list of tokens, which names
# *Paris* and does not say what it is, and `config.json`, the sizes, such as the number of layers. What to do with all
# this is the code's part.
#
# ## 2. Five small functions
#
# **Look up.** Each token becomes a row of numbers, its row in `embed_tokens`. We call this row the token's *state* (the
# libraries say `hidden_states`). PyTorch's tensors are arrays like numpy's.

# %%
import torch

from llama_course.models.inside import open_model

torch.manual_seed(0)  # the same random numbers in each run
torch.set_grad_enabled(False)  # we only read; training comes in lesson 04
model = open_model(folder)
weights, config = model.weights, model.config  # the arrays by name, and the sizes
ids = model.ids("The capital of France is")
x = weights["model.embed_tokens.weight"][ids]
print([model.token(i).label for i in ids], "become an array of shape", tuple(x.shape))

# %% [markdown]
# **Bring to size.** Before each step a state is divided by its typical size, the root of the mean of its squares, and
# multiplied by learned factors: *RMSNorm*. Whether we get it right, layer 0 of the library's own Llama will tell. (It
# is meant to be read: `utils/llama_course/models/llama.py`.)


# %%
def rms_norm(x, factors, config):
    return factors * x / torch.sqrt((x * x).mean(-1, keepdim=True) + config.rms_norm_eps)  # eps: never divide by 0


def same(mine, theirs):
    print("same:", torch.allclose(mine, theirs, rtol=1e-3, atol=1e-3))  # but for rounding


layer_0 = model.llama.model.layers[0]
normed = rms_norm(x, weights["model.layers.0.input_layernorm.weight"], config)
same(normed, layer_0.input_layernorm(x))

# %% [markdown]
# **Work on each token alone.** `x @ w.T` makes new numbers out of a state, each a weighted sum of all the old ones; a
# row of `w` holds the weights. *Feed-forward* does this three times: twice into a longer row, where one result opens
# and closes the other like valves, then back. This form of it is called *SwiGLU*.


# %%
def feed_forward(x, w):
    gate = x @ w["mlp.gate_proj.weight"].T
    gate = gate * torch.sigmoid(gate)  # negative numbers go to nearly 0, large ones stay
    return (gate * (x @ w["mlp.up_proj.weight"].T)) @ w["mlp.down_proj.weight"].T


def arrays_of(weights, start):
    return {name.removeprefix(start): w for name, w in weights.items() if name.startswith(start)}


w = arrays_of(weights, "model.layers.0.")
same(feed_forward(normed, w), layer_0.mlp(normed))

# %% [markdown]
# **Mark the position.** No token knows yet where it stands. *RoPE* marks it in the rows that attention, the next part,
# will compare; `head_dim` is their length. It takes the numbers of such a row in pairs, each the tip of a clock's hand,
# and turns every hand by an angle that grows with the position. Some hands are fast, some slow.


# %%
from llama_course.models import llama
from llama_course.models.inside import rope


def rotate(x, config):
    half = x.shape[-1] // 2
    speeds = config.rope_theta ** (-torch.arange(half) / half)  # from 1 down to nearly 0
    angles = torch.outer(torch.arange(x.shape[-2]).float(), speeds)  # a row for each position
    a, b = x[..., :half], x[..., half:]  # number i and number i + half are a pair
    return torch.cat([a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()], dim=-1)


a, b = torch.randn(2, 1, config.head_dim).expand(-1, 20, -1)  # two rows, each put at 20 positions
same(rotate(a, config), llama.rotate(a, *rope(model.llama, 20)))
a, b = rotate(a, config), rotate(b, config)
print("compared, three positions apart:", [f"{a[at] @ b[at - 3]:.2f}" for at in (3, 10, 19)])

# %% [markdown]
# Why turn? Two rows are compared by the sum of their products, `a @ b`. Now this depends on how far apart they are, not
# on where: "the word before" looks the same everywhere in a text.
#
# **Let tokens look at each other.** In *attention* each token makes three rows: a query (what it looks for), a key
# (what it offers), a value (what it hands over). Its query times the keys gives scores; *softmax* (exp of each, divided
# by the sum) makes shares of them that add up to 1; with these shares it takes from the values. Later tokens get no
# share: they are what is to be predicted.
#
# Several *heads* do this side by side, each with queries of its own. Keys and values may be shared by a group of heads:
# *grouped-query attention*. Section 6 shows what that is good for. (`[None]` makes a list of one text: the library
# reads several at once.)


# %%
def shares(q, k):
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    later = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
    return scores.masked_fill(later, -torch.inf).softmax(-1)  # exp(-∞) is 0


def heads(x, w, config):
    return (x @ w.T).view(len(x), -1, config.head_dim).transpose(0, 1)  # (heads, tokens, head_dim)


# %%
def attention(x, w, config):
    q, k, v = (heads(x, w[f"self_attn.{name}_proj.weight"], config) for name in "qkv")
    q, k = rotate(q, config), rotate(k, config)
    group = len(q) // len(k)  # this many query heads share a key and a value
    k, v = k.repeat_interleave(group, 0), v.repeat_interleave(group, 0)
    taken = shares(q, k) @ v
    return taken.transpose(0, 1).flatten(1) @ w["self_attn.o_proj.weight"].T


print({name: len(heads(normed, w[f"self_attn.{name}_proj.weight"], config)) for name in "qkv"}, "heads")
same(attention(normed, w, config), layer_0.self_attn(normed[None], rope(model.llama, len(x)), None)[0])

# %% [markdown]
# ## 3. The whole
#
# A layer adds to each state what attention brings, then what feed-forward makes of it. After the last layer, `lm_head`
# makes a number for every token of the vocabulary, its logit, and softmax would make probabilities of these. (In our
# model `lm_head` is `embed_tokens`, used a second time; Llama 2 has an array for each.)


# %%
import inspect


def layer(x, w, config):
    x = x + attention(rms_norm(x, w["input_layernorm.weight"], config), w, config)
    return x + feed_forward(rms_norm(x, w["post_attention_layernorm.weight"], config), w)


def my_llama(ids, weights, config, one_layer=layer):
    x = weights["model.embed_tokens.weight"][ids]
    for n in range(config.num_hidden_layers):
        x = one_layer(x, arrays_of(weights, f"model.layers.{n}."), config)
    return rms_norm(x, weights["model.norm.weight"], config) @ weights["lm_head.weight"].T


page = (rms_norm, feed_forward, arrays_of, rotate, shares, heads, attention, layer, my_llama)
lines = sum(len(inspect.getsource(function).strip().splitlines()) for function in page)
numbers = sum(np.prod(entry["shape"]) for entry in contents.values())
print(f"{lines} lines of code for {numbers:,} numbers")
print(f"The paper's list of parts: {fact('parts').plain}")

# %% [markdown]
# That is all, but for the tokenizer and a loop that appends one token after the other. Compare it with Hugging Face's
# library `transformers`, for which this file was made: first on the same arrays, then with other sizes and random
# numbers.

# %%
import dataclasses

from llama_course.models.inside import transformers_twin

twin = transformers_twin(model.llama)
same(my_llama(ids, weights, config), twin(ids[None]).logits[0])

other = dataclasses.replace(config, hidden_size=48, intermediate_size=100, num_hidden_layers=4,
                            num_attention_heads=6, num_key_value_heads=2)  # fmt: skip
noise = llama.Llama(other)
for array in noise.parameters():
    array *= 5  # so that each part matters
noise_twin = transformers_twin(noise)
same(my_llama(ids, noise.state_dict(), other), noise_twin(ids[None]).logits[0])

# %% [markdown]
# Now the experiment: two codes, yours and that of transformers; two sets of numbers, the file's and random ones.
#
# **Predict first.** Which of the four will write sentences? Will any two write the same?


# %%
def write(code, text, count):
    ids = model.ids(text)
    for _ in range(count):
        ids = torch.cat([ids, code(ids)[-1:].argmax(-1)])
    return model.text(ids)


four = {
    ("mine", "random"): lambda ids: my_llama(ids, noise.state_dict(), other),
    ("transformers", "random"): lambda ids: noise_twin(ids[None]).logits[0],
    ("mine", "of the file"): lambda ids: my_llama(ids, weights, config),
    ("transformers", "of the file"): lambda ids: twin(ids[None]).logits[0],
}
rows = [(*which, write(code, "Once upon a time", 12)) for which, code in four.items()]
table(rows, header=["code", "numbers", "text"])

# %% [markdown]
# Same numbers, other code: the same text. Same code, other numbers: noise. (The random model is a smaller one, to save
# memory.) The code fits on one page and can be written again. The numbers cannot.
#
# ## 4. Two lines changed
#
# Does the code matter at all, then? Make two changes that happen by mistake. The first: apply the norm *after* a part
# has been added, as the first models of this kind did, instead of before the part.


# %%
def norm_after(x, w, config):
    x = rms_norm(x + attention(x, w, config), w["input_layernorm.weight"], config)
    return rms_norm(x + feed_forward(x, w), w["post_attention_layernorm.weight"], config)


# %% [markdown]
# The second hides in the data. Our `rotate` pairs a number with the one half a row further; Meta's own code pairs
# neighbours. So in Meta's files the rows of `q_proj` and `k_proj` stand in another order, and whoever moves a model
# must reorder them. We bring our rows into Meta's order, and once forget to convert them, once remember.


# %%
def reordered(w, order, config):
    turned = ("self_attn.q_proj.weight", "self_attn.k_proj.weight")
    return {**w, **{name: order(w[name], len(w[name]) // config.head_dim) for name in turned}}


def forgotten(x, w, config):
    return layer(x, reordered(w, llama.interleaved_layout, config), config)


def remembered(x, w, config):
    w = reordered(w, llama.interleaved_layout, config)
    return layer(x, reordered(w, llama.half_split_layout, config), config)


print(f"{fact('layout').plain} ({fact('layout').source})")
eight = llama.interleaved_layout(torch.arange(8)[:, None], heads=1).flatten()
print("The rows 0 to 7 of a head, in Meta's order:", eight.tolist())

# %% [markdown]
# **Predict first.** For each change: an error message, noise, or a text that is a little worse?

# %%
import functools

from llama_course.evaluation.perplexity import perplexity

story = """Once upon a time there was a small village at the foot of a high mountain. Every morning
the children walked to the river to fetch water, and every evening the old men sat in front of their
houses and told stories about the llamas that lived above the clouds. One day a stranger came to the
village and asked for a place to sleep."""


def surprise(code, text):
    ids = model.ids(text.replace("\n", " "))
    log_probs = code(ids).log_softmax(-1)[:-1].gather(1, ids[1:, None])
    return perplexity(log_probs.flatten().tolist())


# %%
variants = {"as it was": layer, "norm after": norm_after, "rows in Meta's order": forgotten,
            "in Meta's order, converted": remembered}  # fmt: skip
rows = []
for name, one_layer in variants.items():
    code = functools.partial(my_llama, weights=weights, config=config, one_layer=one_layer)
    rows.append((name, f"{surprise(code, story):.3g}", write(code, "The capital of France is", 9)))
table(rows, ["code", "perplexity", "text"], numeric=[1])

# %% [markdown]
# No error anywhere: the shapes fit, and numbers do not complain. The first change makes noise; you would notice. The
# second still says *Paris*. It takes the perplexity of a whole text to see that something is broken, and a reordering
# of rows to mend it. Numbers have their meaning only for exactly the code that they were made with.
#
# ## 5. Where are 6.7 billion numbers?
#
# The smallest Llama 2 is called 7B, for 7 billion numbers. These are the three sizes, and where we read them:

# %%
names = ["hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
         "num_key_value_heads"]  # fmt: skip
rows = [(one.name, *(one.numbers[name] for name in names), one.source) for one in sizes().values()]
table(rows, header=["", *names, "source"], numeric=range(1, 6))

# %% [markdown]
# You know every array, so you can count.
#
# **Predict first.** Attention is the famous part. How much of the 7B is attention, how much feed-forward?


# %%
from llama_course.models.inside import array_shapes


def count_by_part(c):
    D, keys = c.hidden_size, c.num_key_value_heads * c.head_dim
    return {
        "embed_tokens, lm_head": 2 * c.vocab_size * D,
        "attention": c.num_hidden_layers * (2 * D * D + 2 * D * keys),  # q and o, k and v
        "feed-forward": c.num_hidden_layers * 3 * D * c.intermediate_size,
        "norms": c.num_hidden_layers * 2 * D + D,
    }


counts = {name: count_by_part(size.config) for name, size in sizes().items()}
totals = {name: sum(count.values()) for name, count in counts.items()}
for name, size in sizes().items():
    built = sum(np.prod(shape) for shape in array_shapes(size.config).values())
    print(f"{name}: {totals[name]:,} numbers; as many as in the library's model: {totals[name] == built}")

# %%
from llama_course import plots

percent = {name: [100 * n / totals[name] for n in counts[name].values()] for name in counts}
plots.bars(list(counts["7B"]), percent, title="Where the numbers are", xlabel="share in %",
           value_format="{:.1f}")  # fmt: skip

# %% [markdown]
# Attention has the fame, feed-forward has the numbers, and in the larger models a larger share of them.
#
# ## 6. What a conversation leaves behind
#
# To write the next token, attention needs the keys and values of *all* tokens before it. No token sees a later one, so
# they never change, and programs keep them: the *KV cache*. It grows with every token, and each user needs one.
#
# **Predict first.** The 70B is ten times as large as the 7B. How many times as much cache does it need for a token?


# %%
def cache_bytes(c, bytes_per_number=2):
    keys_and_values = 2 * c.num_key_value_heads * c.head_dim
    return c.num_hidden_layers * keys_and_values * bytes_per_number


cache = llama.KVCache(model.llama, batch_size=1, max_tokens=100)  # our small model's, in 4 bytes
measured = sum(array.nbytes for array in cache.keys + cache.values) / 100
print("As large as the library's cache:", measured == cache_bytes(config, bytes_per_number=4))

# %%
configs = {name: size.config for name, size in sizes().items()}
large = configs["70B"]
unshared = dataclasses.replace(large, num_key_value_heads=large.num_attention_heads)
configs["70B without sharing"] = unshared
print(f"The model card: “{fact('gqa').quote}”")
for name, c in configs.items():
    print(f"{name}: {cache_bytes(c) * c.max_position_embeddings / 2**30:.2f} GiB for a full context")
kib = [cache_bytes(c) / 1024 for c in configs.values()]
plots.bars(list(configs), kib, title="KV cache for one token", xlabel="KiB, at 2 bytes for a number",
           value_format="{:,.0f}")  # fmt: skip

# %% [markdown]
# The 70B needs *less*: its 64 query heads share 8 keys and values, and the two smaller models share nothing.
#
# ## 7. Looking inside
#
# Whoever has the weights can stop the calculation anywhere and look. First at `shares`: how much each token takes from
# which, in one head of one layer. Move the sliders; type a sentence of your own.

# %%
from llama_course.widgets.inside import AttentionView

AttentionView(model, "The llama looked at the camera because it was curious.", layer=16, head=0)

# %% [markdown]
# This head looks one token back. Others are harder to name.
#
# **Predict first.** Take the last token of a sentence and all heads of all layers. Which token do most of them look at
# most: the subject, the verb, the word before?

# %%
from llama_course.models.inside import attention_weights

for somebody in ("The llama", "Yesterday the llama", "Purple llamas", "When Mary and John"):
    sentence = model.ids(f"{somebody} looked at the camera because of the noise")
    favourite = attention_weights(model.llama, sentence)[:, :, -1].argmax(-1)  # (layers, heads)
    at_first, label = int((favourite == 0).sum()), model.token(sentence[0]).label
    print(f"{somebody} …: {at_first} of {favourite.numel()} heads look most at token 0, {label!r}")

# %% [markdown]
# Whatever the first word is; so it is not its meaning that draws them. The usual explanation: shares must add up to 1,
# and a head that finds nothing of use puts them where they do no harm, into an *attention sink*. To see where a head
# looks is not yet to know what it does.
#
# Now the states. Layers only *add* to them. So one can stop after any layer and take the last step, norm and `lm_head`,
# too early: what would the model say now? This is called the *logit lens*.
#
# **Predict first.** After how many of its layers will the model put *Paris* first?

# %%
from llama_course.widgets.inside import LogitLensView

LogitLensView(model, "The capital of France is")

# %% [markdown]
# Before any layer the model would repeat the word it has just read; then, for most layers, it mumbles spaces and full
# stops; *Paris* comes at the very end. Does it decide so late? A look cannot tell, an intervention can. Take a second
# sentence, *The capital of Italy is*. Stop both after n layers, put the state of Italy's last token in the place of
# France's, and let the France sentence run on. If that state carries the answer already, the model will say *Rome*.
#
# **Predict first.** From which n on will it say *Rome*?

# %%
from llama_course.models.inside import finish, hidden_states

france, italy = (hidden_states(model.llama, model.ids(f"The capital of {land} is")) for land in ("France", "Italy"))
paris, rome = model.ids(" Paris")[-1], model.ids(" Rome")[-1]


def after_transplant(n):
    state = france[n].clone()
    state[-1] = italy[n][-1]
    return finish(model.llama, state, n)[-1].softmax(-1)


layers_done = range(config.num_hidden_layers + 1)
said = torch.stack([after_transplant(n) for n in layers_done])[:, [paris, rome]]
plots.lines(layers_done, {"Paris": said[:, 0], "Rome": said[:, 1]},
            title="What the France sentence says with Italy's last state",
            xlabel="layers done before the transplant", ylabel="probability")  # fmt: skip

# %%
from llama_course.models.inside import logit_lens


def first(found):
    return next((n for n, yes in enumerate(found) if yes), None)


lens = logit_lens(model.llama, model.ids("The capital of Italy is"))
places = (lens > lens[:, [rome]]).sum(-1) + 1  # of Rome, after each number of layers
turn, seen = first(said[:, 1] > said[:, 0]), first(places == 1)
if turn is None:
    print("This model says Rome in no case.")
else:
    print(f"After {turn} layers the state decides the answer. There the lens has Rome at place {places[turn]:,};")
    print(f"it puts Rome first after {seen} of {layers_done[-1]} layers.")

# %% [markdown]
# The answer was there, in a form that the lens does not read. Before that it lay in the states of the other tokens, and
# in one layer attention fetched it. A look suggests, a change proves; through a chat window neither is possible.
#
# ## What exactly was released?

# %%
from llama_course.widgets.claim_views import View, evidence_html

gigabytes = 2 * totals["7B"] / 1e9  # 2 bytes for a number
print(f"Code: {lines} lines do the same. Numbers: {gigabytes:.1f} GB in the smallest of the six sets.")
print(f"A1.3: {claim('A1.3').verdict}. {claim('A1.3').explanation}")
View(evidence_html([evidence("readme-six"), evidence("readme-inference"), evidence("faq-why")]))

# %% [markdown]
# "The original code is freely available": true, and the least of it, for you wrote it again in an hour. The numbers you
# could not have written. They were given, under a licence, and whoever has them can run, dissect and change the model,
# as you did. What they were made from was not given: the texts, and the code that trains. Is a file that you may open
# and change, and could not make again, "source"? Lessons 08 and 09 take that up.

# %%
quiz("03")

# %% [markdown]
# ## What you can now explain
#
# - what a file of weights holds, and what it does not
# - what the five parts of a Llama do, in a few lines each
# - why a changed line need not give an error, and how to notice it
# - where the numbers of Llama 2 are, and why the 70B needs less cache for a token than the 7B
# - what attention shares and the logit lens show, and why it takes an intervention to prove anything
#
# **Exercises.** [Exercises 03](../exercises/03_inside_llama.ipynb)
#
# **Sources.** Article A1: see [lesson 01](01_five_articles.ipynb). Architecture: Touvron et al.,
# [arXiv:2307.09288](https://arxiv.org/abs/2307.09288), section 2.2; RMSNorm: Zhang and Sennrich,
# [arXiv:1910.07467](https://arxiv.org/abs/1910.07467); SwiGLU: Shazeer,
# [arXiv:2002.05202](https://arxiv.org/abs/2002.05202); RoPE: Su et al.,
# [arXiv:2104.09864](https://arxiv.org/abs/2104.09864); shared keys and values: Ainslie et al.,
# [arXiv:2305.13245](https://arxiv.org/abs/2305.13245); the norm after a part: Vaswani et al.,
# [arXiv:1706.03762](https://arxiv.org/abs/1706.03762), section 3.1. Attention sinks: Xiao et al.,
# [arXiv:2309.17453](https://arxiv.org/abs/2309.17453). Logit lens: nostalgebraist, *interpreting GPT: the logit lens*,
# LessWrong, 2020. Order of rows: the function `permute` of transformers'
# [converter](https://github.com/huggingface/transformers/blob/main/src/transformers/models/llama/convert_llama_weights_to_hf.py).
# Model: SmolLM2-135M-Instruct, Apache-2.0.
