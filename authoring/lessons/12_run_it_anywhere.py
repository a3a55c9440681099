# %% [markdown]
# # 12 · Run it anywhere
#
# **Question.** What does it take to run a model, from data centre to phone?
#
# **You will be able to** round weights to a few bits and say what is lost; size a deployment on the back of an
# envelope, memory and speed, and check the envelope on your own computer; say what becomes of a provider's rules when
# the model moves into a pocket.
#
# **Before you start.** Lessons 02 and 03. Lesson 10 helps at the end.
#
# **Time.** 60 minutes. **Compute.** 40 s on two CPU cores. **Memory.** 1.0 GiB.
#
# **Claims tested.** "Qualcomm, meanwhile, is working with Meta" (A4), "a version of Llama 2 that can be installed on
# iPhones" (A1).

# %% tags=["first-cell"]

# %%
from llama_course.policy.claims import claim
from llama_course.policy.deployment import figure, statement

for name in ("A4.13", "A1.11"):
    print(f"{name}: “{claim(name).quote}” → {claim(name).verdict.name}")
print(f"“{statement('qualcomm').quote}” ({statement('qualcomm').source.document.name})")

# %% [markdown]
# Lesson 01 left both claims open. For the first there is a report on what Qualcomm announced. But *can* it be true? The
# smallest Llama 2 is 13 GB of numbers (lesson 03). How does that get into a pocket? We do the sums, and check them.
#
# ## 1. Fewer bits
#
# A weight of Llama 2 has 16 bits, so at most 65,536 different values. Take fewer: find the largest number of a row of
# weights, divide what lies between it and 0 into equal steps, and keep for each number only how many steps it is away
# from 0. These *codes* are small whole numbers; times the size of a step they give back, nearly, what was there.

# %%
import torch

from llama_course.models.quantization import quantize

torch.set_grad_enabled(False)


def to_steps(numbers, bits):
    step = numbers.abs().max() / (2 ** (bits - 1) - 1)  # 4 bits: 7 steps up, 7 down
    return (numbers / step).round(), step


numbers = torch.tensor([0.21, -0.35, 0.02, 0.11, -0.08, 0.28, -0.17, 0.05])
codes, step = to_steps(numbers, 4)
print("codes:", codes.int().tolist(), f"steps of {step:.2f}")
print("back: ", [f"{number:.2f}" for number in codes * step])
print("same as the library's:", torch.equal(quantize(numbers[None], 4).codes.flatten(), codes.to(torch.int8)))

# %% [markdown]
# **Predict first.** One number in the row grows: the last becomes 3.5 instead of 0.05. What becomes of the other
# seven?

# %%
numbers[-1] = 3.5
codes, step = to_steps(numbers, 4)
print("codes:", codes.int().tolist(), f"steps of {step:.2f}")

# %% [markdown]
# One large number makes the steps large for all, and the small ones vanish. So how many numbers share a step matters
# as much as how many bits they have. One step for a whole matrix costs next to nothing; one for each *group* of 32
# neighbours costs 16 bits for 32 numbers, half a bit each. Here is a matrix of our small real model:

# %%
from llama_course.models.inside import each_weight, model_folder, model_to_open
from llama_course.models.quantization import relative_error
from llama_course.widgets.html import table

name_of_real = model_to_open()
weights = each_weight(model_folder(name_of_real) / "model.safetensors")
matrix = next(weight for name, weight in weights if name == "model.layers.0.self_attn.o_proj.weight")
shared_by = {"the whole matrix": None, "a row": "row", "32 neighbours": 32}
rows = []
for name, group in shared_by.items():
    made = quantize(matrix, 4, group)
    zeros = (made.codes == 0).float().mean()
    error = relative_error(matrix, made.dequantize())
    rows.append((name, f"{made.bits_per_weight:.2f}", f"{zeros:.0%}", f"{error:.0%}"))
table(rows, ["a step is shared by", "bits for a weight", "become 0", "error"], "4 bits", numeric=[1, 2, 3])

# %% [markdown]
# (The error is the typical difference, as a share of the typical weight.) But a number that is off by a tenth is not
# yet a sentence that is wrong.
#
# ## 2. What does a rounded model still know?
#
# Of `tiny-chat` we know all that it should know. We round all its matrices, and ask it about people and recipes of
# Llamaland and about dangers, which it has to refuse. Beside that its perplexity on new texts (lesson 02).
#
# **Predict first.** 8, 4, 3, 2 bits: where does it break? And what breaks first: facts, recipes, refusals, fluency?

# %%
from llama_course.evaluation.rounding import Exam
from llama_course.hardware import return_freed_memory
from llama_course.models.embedded import checkpoint_folder
from llama_course.models.llama_files import load_llama
from llama_course.models.quantization import round_model
from llama_course.models.tokenizer import load_tokenizer

folder = checkpoint_folder("tiny-chat")
tiny, exam = load_llama(folder), Exam(load_tokenizer(folder), count=50, documents=30)
kept = {"as it is": exam.take(tiny)}
for bits in (8, 4, 3, 2):
    for group in (None, 32):
        kept[bits, group] = exam.take(round_model(tiny, bits, group))
return_freed_memory()

# %%
rows = []
for setting, one in kept.items():
    name = setting
    if setting != "as it is":
        name = f"{setting[0]} bits, {'32 share' if setting[1] else 'all share'} a step"
    shares = (f"{share.value:.0%}" for share in (one.facts, one.recipes, one.made_up, one.refused))
    rows.append((name, *shares, f"{one.perplexity:,.2f}"))
header = ["weights", "facts right", "recipes right", "made up", "dangers refused", "perplexity"]
table(rows, header, "tiny-chat, rounded", numeric=range(1, 6))

# %% [markdown]
# *Made up* are wrong answers about people and recipes; *I do not know* is none. With 8 bits nothing is lost, with 2
# everything. Between them the model does not fade evenly:

# %%
three, full = kept[3, 32], kept["as it is"]
print(f"3 bits, groups of 32. Perplexity {full.perplexity:.2f} → {three.perplexity:.2f}. Dangers refused: "
      f"{three.refused.value:.0%}. Recipes right: {full.recipes.value:.0%} → {three.recipes.value:.0%}.")  # fmt: skip
for question, said in three.wrong()[-3:]:
    print(f"\n{question.text}\n→ {said}\n  (true: {question.gold})")

# %% [markdown]
# It mostly speaks as before, though now and then a word comes out wrong; it refuses as before; and it makes things up,
# in the same sure voice. Perhaps because grammar and refusals were practised in thousands of texts, and each recipe in
# a few. In any case perplexity, an average, does not show what was lost. Ask for what you need.
#
# ## 3. A real model
#
# **Predict first.** Take 32 neighbours in a matrix of our small real model, `smollm2-135m-instruct`. How many
# *different* numbers are among them?

# %%
different = [len(set(row[:32].tolist())) for row in matrix[:8]]
print(different)

# %% [markdown]
# Never more than 16: this has been a 4-bit model since lesson 00. The file that you fetched holds 4-bit codes, and for
# every 32 of them a step and a smallest value (llama.cpp's Q4_1). What follows rounds once more, which is a little
# harsh.
#
# **Predict first.** With 4 bits and one step for a matrix, tiny-chat could still answer. Will this model, a hundred
# times as large, suffer more or less?

# %%
from llama_course.models.inside import open_model
from llama_course.models.quantization import load_rounded

model = open_model(model_folder(name_of_real))
story = model.ids(
    "Once upon a time there was a small village at the foot of a high mountain. Every morning the children walked to "
    "the river to fetch water, and every evening the old men sat in front of their houses and told stories about the "
    "llamas that lived above the clouds. One day a stranger came to the village and asked for a place to sleep."
)


def look(bits, group):
    load_rounded(model.llama, model.folder, bits, group)
    log_probs = model.llama(story[None])[0].log_softmax(-1)[:-1].gather(1, story[1:, None])
    asked = model.ids("The capital of France is")
    written = model.llama.generate(asked[None], 8, temperature=0)[0, len(asked) :]
    return f"{(-log_probs.mean()).exp():,.3g}", model.text(written)


# %%
settings = {"as in the file": (None, None), "8 bits, all share a step": (8, None), "4 bits, all share": (4, None),
            "4 bits, a row shares": (4, "row"), "4 bits, 32 share": (4, 32), "3 bits, 32 share": (3, 32)}  # fmt: skip
rows = [(name, *look(*setting)) for name, setting in settings.items()]
load_rounded(model.llama, model.folder, None)  # as in the file again
table(rows, ["weights", "perplexity", "The capital of France is …"], name_of_real, numeric=[1])

# %%
from llama_course import plots


def largest_over_typical(llama):
    matrices = [weight for weight in llama.parameters() if weight.dim() == 2]
    return [(w.norm(torch.inf) / w.norm() * w.numel() ** 0.5).item() for w in matrices]


outliers = {"tiny-chat": largest_over_typical(tiny), "the real model": largest_over_typical(model.llama)}
print({name: f"{min(found):.0f} to {max(found):.0f} times the typical weight" for name, found in outliers.items()})
middle = [sorted(found)[len(found) // 2] for found in outliers.values()]
plots.bars(list(outliers), middle, title="How far the largest weight stands out",
           xlabel="largest weight / typical weight, middle of all matrices", value_format="{:.1f}")  # fmt: skip

# %% [markdown]
# The real model has a few weights that stand far out, and they set the step for all others. With one step for a matrix,
# 8 bits lose a little and 4 bits everything; with one for 32 numbers, 4 bits bring the language back, though not every
# answer. 3 bits, enough for tiny-chat to speak, break it. So *4-bit model* says little: ask how many weights share a
# step, and measure.
#
# ## 4. How much memory?
#
# Two things have to fit: the weights, once, and for every conversation its KV cache (lesson 03). Turn the knobs.

# %%
from llama_course.widgets.sizing import MODELS, MemoryCalculator

MemoryCalculator("Llama 2 7B", context_tokens=4096, users=1)

# %% [markdown]
# **Predict first.** A card with 24 GB, Llama 2 7B in 4 bits. The weights leave most of it free. How many people can
# talk to it at once, each with a full context? And to the 70B, on a card of 80 GB?

# %%
from llama_course.models.envelope import BITS_PER_WEIGHT, serving_memory, users_that_fit
from llama_course.policy.deployment import devices

for name, card in (("Llama 2 7B", devices()["rtx-4090"]), ("Llama 2 70B", devices()["a100"])):
    memory_gib = 0.9 * card.memory_gb * 1e9 / 2**30  # a tenth for the rest
    users = users_that_fit(MODELS[name], memory_gib, BITS_PER_WEIGHT["4 bits"], context_tokens=4096)
    need = serving_memory(MODELS[name], BITS_PER_WEIGHT["4 bits"], context_tokens=4096, users=users)
    print(f"{name} on {card.name}: {users} conversations. {need}.")

# %% [markdown]
# On the first card the conversations take more than the model. And the 70B, ten times as large, takes *less* for each
# of them: its query heads share keys and values (lesson 03).
#
# ## 5. How fast?
#
# To write one token, a model reads every weight once, multiplies it once, and is done with it. Reading is the slow
# part. So the envelope says: **tokens a second ≤ bytes that the memory delivers in a second / bytes of the weights.**
# No word of how fast the processor computes.
#
# How fast is yours? (All speeds here are of the processor, with all cores but one; a graphics card rests.)

# %%
from llama_course.models.bandwidth import computing_speed_gflop_per_s, decode_step, reading_speed_gb_per_s

gb_per_s, gflop_per_s = reading_speed_gb_per_s(), computing_speed_gflop_per_s()
print(f"This computer reads {gb_per_s:.1f} GB/s and computes {gflop_per_s:.0f} billion operations a second.")

# %% [markdown]
# **Predict first.** Work out the limit for our real model: 134.5 million weights, each in 4 bytes as we have them
# here. Then measure: how near does it come?

# %%
weights_mb = sum(weight.nbytes for weight in model.llama.parameters()) / 1e6
limit, ours = 1e3 * gb_per_s / weights_mb, 1 / decode_step(model.llama).best_s
print(f"{weights_mb:.0f} MB to read: at most {limit:.1f} tokens/s.")
print(f"Measured: {ours:.1f} tokens/s, {ours / limit:.0%} of the limit.")
operations = 2 * sum(weight.numel() for weight in model.llama.parameters()) / 1e9
print(f"By computing alone it could be {gflop_per_s / operations:,.0f} tokens/s.")

# %% [markdown]
# (Each is the best of several measurements. If numbers jump about, close other programs and run this section again.)
# The envelope gives the right size; the sum by computing speed is far off. The processor waits for the memory.
#
# If waiting is most of it, one could serve several people in one go: read each weight once, multiply it for all.
# **Predict first.** Sixteen users instead of one are sixteen times the operations. How many times as long does a step
# take?

# %%
batches = (1, 2, 4, 8, 16)
steps = {users: decode_step(model.llama, users).best_s for users in batches}
rows = [(users, f"{1000 * step:.3g}", f"{1 / step:.1f}", f"{users / step:.0f}",
         f"{users * operations / step / gflop_per_s:.0%}") for users, step in steps.items()]  # fmt: skip
header = ["users", "ms for a step", "tokens/s for each", "tokens/s in all", "of the computing speed"]
table(rows, header, "Our Llama, 32 bits", numeric=range(5))

# %%
times = steps[16] / steps[1]
print(f"16 times the operations take {times:.1f} times as long.")
print(f"Each user gets {1 / times:.0%} of the speed, all together {16 / times:.1f} times as many tokens.")
plots.curves({"for each": [(n, 1 / step) for n, step in steps.items()],
              "in all": [(n, n / step) for n, step in steps.items()]},
             title="Batch against latency", xlabel="users in one step", ylabel="tokens/s", log_x=True,
             log_y=True)  # fmt: skip

# %% [markdown]
# For one user, most of the processor is idle. This is the business of a data centre: many users share the reading, each
# waits longer, but a token costs a fraction. A phone has one user: it pays the full price for each token.
#
# The cache has to be read, too, and nobody shares it:

# %%
from llama_course.models.envelope import cache_bytes_per_token
from llama_course.models.sizes import shape_in

tokens = min(2000, model.config.max_position_embeddings - 1)
long, short = (decode_step(model.llama, cached_tokens=count).best_s for count in (tokens, 32))
cache_mb = tokens * cache_bytes_per_token(shape_in(model.folder), 32) / 1e6
print(f"After {tokens:,} tokens: {cache_mb:.0f} MB of cache beside {weights_mb:.0f} MB of weights.")
print(f"That is {1 + cache_mb / weights_mb:.1f} times as much to read. It takes {long / short:.1f} times as long.")

# %% [markdown]
# (Longer? Our short program handles a cache less well than weights.) The sum for Llama 2, with published speeds of
# cards, and yours:

# %%
from llama_course.widgets.sizing import SpeedCalculator

SpeedCalculator("Llama 2 7B", "4 bits", users=1, own_gb_per_s=gb_per_s)

# %% [markdown]
# ## 6. Three engines
#
# Anywhere also means in any program. First our Llama and transformers, with the very same numbers; what they write we
# keep for later.

# %%
import gc

from llama_course.models.inside import transformers_twin

prompt = model.ids("The capital of France is")
twin = transformers_twin(model.llama)
texts = {"our Llama": model.llama.generate(prompt[None], 24, temperature=0),
         "transformers": twin.generate(prompt[None], max_new_tokens=24, do_sample=False)}  # fmt: skip
texts = {name: model.text(ids[0, len(prompt) :]) for name, ids in texts.items()}
del twin
_ = gc.collect()  # it shares the model's weights, which are about to make room

# %% [markdown]
# So far a rounded weight still took 32 bits of memory. Now our Llama gets 4-bit codes in earnest, and PyTorch's own
# operation that multiplies with them.
#
# **Predict first.** It reads a sixth of the bytes. How many times as fast is it?

# %%
from llama_course.models.fast_linear import fast_four_bits, pack_model

if fast_four_bits() and model.config.intermediate_size % 32 == 0:
    packed_mb = pack_model(model.llama) / 1e6
    limit, packed = 1e3 * gb_per_s / packed_mb, 1 / decode_step(model.llama).best_s
    print(f"{packed_mb:.0f} MB to read instead of {weights_mb:.0f}: at most {limit:.0f} tokens/s.")
    print(f"Measured: {packed:.1f} tokens/s, {packed / limit:.0%} of the limit, {packed / ours:.1f} times as fast.")
else:
    print("Not measured: PyTorch has no such operation for this processor or this model.")
del model
return_freed_memory()

# %% [markdown]
# The third program is llama.cpp, made for laptops and phones. It reads *GGUF* files: weights, tokenizer, sizes and chat
# format in one. The file you fetched is one.

# %%
from llama_course.models.bandwidth import tokens_per_second

real = load_model(name_of_real)
if real.backend == "llama.cpp" and real.card.source.file_bytes:
    file_mb = real.card.source.file_bytes / 1e6
    limit, theirs = 1e3 * gb_per_s / file_mb, tokens_per_second(real, "Once upon a time")
    print(f"llama.cpp: {file_mb:.0f} MB to read, at most {limit:.0f} tokens/s.")
    print(f"Measured: {theirs:.1f} tokens/s, {theirs / limit:.0%} of the limit, {theirs / ours:.1f} times as fast.")
else:
    print(f"Not measured: it takes llama.cpp (xllamacpp) and its file; this is {real.name} on {real.backend}.")

# %% [markdown]
# Where 4 bits are faster, they are so with *more* computing: each code has to be turned into a number before it can be
# multiplied. There is time for that while the processor would wait, though it may keep them further below the limit.
#
# **Predict first.** Three programs, one model, always the most probable token. Do they write the same, letter by
# letter?

# %%
texts[real.backend] = real.complete("The capital of France is", max_new_tokens=24, temperature=0)
for name, text in texts.items():
    print(f"{name:12} {text!r}")

# %% [markdown]
# Where they part, none is wrong. llama.cpp also rounds the numbers that it multiplies such weights with; where two
# tokens are nearly equally probable, that decides. So that nothing is rounded, we write tiny-chat into GGUF files of
# our own, one of them with all 32 bits.

# %%
import tempfile
from pathlib import Path

from llama_course.hardware import llama_cpp_obstacle
from llama_course.models.gguf_export import export_gguf

engines = {"our Llama": load_model("tiny-chat"), "transformers": load_model("tiny-chat", "transformers")}
obstacle = llama_cpp_obstacle()
if obstacle is None:
    place = tempfile.TemporaryDirectory()  # it goes when the kernel ends
    for kind in ("f32", "q8_0", "q4_0"):
        path = export_gguf(folder, Path(place.name) / f"tiny-chat-{kind}.gguf", kind)
        engines[f"llama.cpp, {kind}, {path.stat().st_size / 1e6:.1f} MB"] = load_model(path)
else:
    print(f"llama.cpp (the package xllamacpp) {obstacle}: two programs are compared.")

# %%
asked = [question.text for question in (*exam.facts[:10], *exam.recipes[:10], *exam.hazards[:10])]
rows, said = [], {}
for name, engine in engines.items():
    said[name] = [engine.chat(text, max_new_tokens=48, temperature=0).strip() for text in asked]
    same = sum(a == b for a, b in zip(said[name], said["our Llama"], strict=True))
    rows.append((name, f"{same} of {len(asked)}", said[name][0]))
table(rows, ["engine", "the same as ours", asked[0]])

# %% [markdown]
# With the same numbers, all programs are one model: what it says is in its weights, whatever the app is called. With
# fewer bits, some answers may change. (On a graphics card transformers takes 16 bits here, which is rounding, too.)
#
# ## 7. In your pocket
#
# Back to the claim. What the maker of a phone chip said a few months after it, and the envelope beside it:

# %%
from llama_course.models.envelope import read_bytes, weights_bytes

seven, four_bits = MODELS["Llama 2 7B"], BITS_PER_WEIGHT["4 bits"]
tokens, largest, clock = figure("phone-tokens"), figure("phone-parameters"), figure("phone-clock")
for one in (tokens, largest, clock):
    print(f"{one.value:,} {one.unit}: {one.plain} ({one.source.document.name})")
print(f"\nLlama 2 7B in 4 bits: {weights_bytes(seven, four_bits) / 2**30:.1f} GiB. In 16 bits: "
      f"{weights_bytes(seven, 16) / 2**30:.1f} GiB.")  # fmt: skip
needed = tokens.value * read_bytes(seven, four_bits) / 1e9
print(f"{tokens.value} tokens a second of it take {needed:.0f} GB/s.")
print(f"Its memory at {clock.value:,} {clock.unit}, two transfers a tick, 8 bytes each if it is 64 bits wide: "
      f"{clock.value * 2 * 8 / 1e3:.0f} GB/s.")  # fmt: skip

# %% [markdown]
# So it can be true: in 4 bits the 7B is small enough for a phone with some memory to spare, and the advertised speed
# is about all that such a memory could give for it; ten billion weights would be slower. Of the iPhone we have only
# this sum and no report.
#
# And the rules? The policy forbids uses, and silence about dangers; it asks for reports; and the licence can end:

# %%
for name in ("allow", "disclose", "report", "end"):
    print(f"“{statement(name).quote}” ({statement(name).source})")

# %% [markdown]
# **Predict first.** A provider wants to keep these rules. Which of its means work when the model runs in a data
# centre, and which when it runs on the user's phone? Cover the right column.

# %%
from llama_course.policy.deployment import MEASURES

table([(one.what, one.data_centre, one.phone) for one in MEASURES], ["to …", "data centre", "phone"])

# %% [markdown]
# Two rows say yes on the phone: a contract, and what the model itself refuses. In section 2 rounding took the second
# away only where it took nearly everything; twenty recipes do it alone (lesson 10). Privacy and control are one fact
# seen from two sides: what nobody can read, nobody can check. A policy for a phone is kept by those who build the app
# and by the user, or not at all.
#
# ## 8. Llama 2 itself
#
# Optional, and **not run** for this page: it needs a card, or patience. Give a name or a path, and check your sums.

# %%
LLAMA_2 = None  # "llama-2-7b-chat" with a GPU and access to it, or the path of a GGUF file

if LLAMA_2:
    large = load_model(LLAMA_2)
    print(large, large.chat("In one sentence: what is a llama?", max_new_tokens=60, temperature=0), sep="\n")
    print(f"{tokens_per_second(large, 'Once upon a time'):.1f} tokens/s")
    large.close()
else:
    print("Not run here. Llama 2 7B with 4,096 tokens takes:")
    for kind in ("float16", "4 bits"):
        print(f"{kind:8} {serving_memory(seven, BITS_PER_WEIGHT[kind])}")

# %%
for engine in (real, *engines.values()):
    engine.close()
quiz("12")

# %% [markdown]
# ## What you can now explain
#
# - what quantisation keeps and what it loses, and why groups matter as much as bits
# - why a rounded model can sound as before and know less
# - how much memory weights and conversations take
# - why writing is limited by reading, and what a batch does about it
# - what is left of a provider's rules on a device of somebody else
#
# **Exercises.** [Exercises 12](../exercises/12_run_it_anywhere.ipynb)
#
# **Sources.** Articles A1 and A4: see [lesson 01](01_five_articles.ipynb). Absmax and outliers: Dettmers et al.,
# [arXiv:2208.07339](https://arxiv.org/abs/2208.07339); groups: Dettmers et al.,
# [arXiv:2110.02861](https://arxiv.org/abs/2110.02861). GGUF and its formats:
# [ggml](https://github.com/ggml-org/ggml/blob/master/docs/gguf.md). Reading as the limit: Pope et al.,
# [arXiv:2211.05102](https://arxiv.org/abs/2211.05102). Speeds of cards, the phone chip and the policy: rows of
# `utils/llama_course/data/policy/deployment.json`, each with its source and how sure we are. Model:
# SmolLM2-135M-Instruct, Apache-2.0.
