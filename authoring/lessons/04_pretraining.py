# %% [markdown]
# # 04 · Pretraining
#
# **Question.** What do 2 trillion tokens buy, and who can pay?
#
# **You will be able to** train a small language model from nothing and say what it learns first; predict the loss of a
# model before it is trained; estimate the operations, hours, dollars and tonnes behind a model card, as ranges; find
# what a table leaves out.
#
# **Before you start.** Lesson 02; lesson 03 helps. Python; no machine learning.
#
# **Time.** 60 minutes. **Compute.** 60 s on two CPU cores. **Memory.** 0.8 GiB.
#
# **Claims tested.** "created using 40 percent more data than its predecessor" and "unlike other generative AI models
# that cost millions to create" (A2); "the only companies that have the computing power" (A0).

# %% tags=["first-cell"]

# %% [markdown]
# Before anybody taught Llama 2 to chat it read 2 trillion tokens. Three sentences in the articles are about that:

# %%
from llama_course.policy.claims import claim, quotations

for number in ("A2.2", "A2.15", "A0.7"):
    print(f"{number}: “{claim(number).quote}”")

# %% [markdown]
# To judge them one has to know what such reading does and what it costs. We begin small enough to watch.
#
# ## 1. From babble to gossip
#
# Our text is about a village where some people are talked about all the time and others hardly ever. Unlike on the
# internet, we know everything: who has which pet, and how often it is said.

# %%
from llama_course.training.village_text import village_text

village = village_text()
print(f"{len(village.documents):,} documents, {len(village.stream):,} tokens. For example:\n")
print("\n\n".join(village.documents[:3]))

# %% [markdown]
# **Pretraining** is one exercise, repeated: predict the next token, look at the true one, change the weights a little
# so that it would have been less of a surprise. The mean surprise is called the **loss**: the mean of −ln p, where p is
# the probability that the model gave to the true token. exp of it is lesson 02's perplexity; its unit is the *nat*.
#
# **Predict first.** A new model has random weights and 1,024 tokens to choose from. How large is its loss? What will
# five small changes do?

# %%
import torch

from llama_course.models.llama import Llama, LlamaConfig
from llama_course.training.losses import next_token_loss
from llama_course.training.pretraining import pretraining_loss, random_windows

config = LlamaConfig(vocab_size=1024, hidden_size=64, intermediate_size=160, num_hidden_layers=2,
                     num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128,
                     tie_word_embeddings=True)  # fmt: skip
torch.manual_seed(0)  # the same random weights in each run
model = Llama(config)  # built like lesson 03's
batch = random_windows(village.stream, batch_size=8, length=128, seed=0, step=0)  # 8 pieces of the text

# %%
optimizer = torch.optim.AdamW(model.parameters(), lr=0.003)  # decides how far each weight goes
for change in range(6):
    loss = next_token_loss(model(batch), batch)  # how surprised is it?
    print(f"after {change} changes: loss {loss.item():.2f}, as unsure as between {loss.exp().item():,.0f} tokens")
    optimizer.zero_grad()
    loss.backward()  # for each weight: would a larger one mean more surprise, or less?
    optimizer.step()  # each weight goes a little the other way

# %% [markdown]
# With random weights it can only guess among all its tokens; a few changes help already. That is all. The rest is more
# text: the library's `train` repeats these lines, each time with other pieces of it.
#
# **Predict first.** After half a minute of reading, what will the model write: letters, words, sentences, true
# sentences?

# %%
from llama_course.evaluation.village_facts import choices, share_right, share_right_by_circle
from llama_course.training.loop import train
from llama_course.training.optimization import TrainingSettings
from llama_course.widgets.training_plot import TrainingPlot

torch.manual_seed(0)
model = Llama(config)
settings = TrainingSettings(steps=800, learning_rate=0.012, warmup_steps=20)  # a step: one change of all weights
live = TrainingPlot({"loss in nats": ["loss"]}, settings.steps, title="From babble to gossip")
known = {}  # at some moments: which share of the facts about each circle of people it knows


# %%
def watch(progress):
    goes_on = live.on_step(progress)
    if progress.step in (1, 40, 100, 200, 300, 400, 500, 600, 700, 800):
        live.say(village.write(model, seed=progress.step))
        known[progress.step] = share_right_by_circle(model, village.encode, village.world, village.circles, most=8)
    return goes_on


loss = pretraining_loss(model, village.stream, batch_size=8, length=128)
live.start(lambda: train(model, loss, settings, on_step=watch))
live

# %% [markdown]
# Press Stop when you have seen enough: what was learned stays, and the cells below use it. The next one waits for the
# end.

# %%
history = live.wait()
print(f"{history.steps * batch.numel():,} tokens in {history.time_s:.0f} s ({history.ended}); at the end "
      f"as unsure as between {torch.tensor(history.losses[-20:]).mean().exp():.1f} tokens")  # fmt: skip

# %% [markdown]
# Words come before sentences, and sentences before sense. The model is yours. Continue with a name from the samples,
# then with a name that you make up:

# %%
from llama_course.widgets.next_token import NextTokenExplorer

star = village.circles["celebrities"][0]
NextTokenExplorer(village.as_model(model), f"{star.name} keeps a")

# %% [markdown]
# ## 2. What is learned first
#
# Does it tell the truth? To find out we compare the true sentence ("… keeps a goose.") with the same one about every
# other pet. If the true one is the most probable, the model knows the fact.
#
# **Predict first.** There are five circles of people, from celebrities to hermits. Whose facts are learned?

# %%
from llama_course import plots

lines = {circle: [(step, 100 * share[circle]) for step, share in known.items()] for circle in village.circles}
plots.curves(lines, title="What it knows, by fame", xlabel="step", ylabel="facts right, in %")

# %% [markdown]
# How often does a fact have to be read? We ask about everybody, and about strangers, who are in no document.

# %%
from llama_course.evaluation.village_facts import chance
from llama_course.widgets.html import table

rows, sureness = [], {}
for circle, people in {**village.circles, "strangers": village.strangers()}.items():
    found = choices(model, village.encode, village.world, people)
    sureness[circle] = sum(one.sureness for one in found) / len(found)
    times = sum(map(village.times_read, people)) / len(people)
    right = f"{share_right(found):.0%}" if times else "nothing to know"
    rows.append((circle, f"{times:,.0f}", right, f"{sureness[circle]:.0%}"))
table(rows, ["circle", "read about", "facts right", "how sure of what it says"], numeric=[1, 2, 3],
      caption=f"By guessing alone {chance(village.world):.0%} would be right.")  # fmt: skip

# %%
for person in (star, *village.circles["hermits"][:3], *village.strangers()[:2]):
    said = village.write(model, f"{person.name} works as", temperature=0, max_new_tokens=8).split(".")[0]
    print(f"– {said}. (truth: {person.occupation if village.times_read(person) else 'nobody of that name'})")
surer = [circle for circle in village.circles if sureness[circle] < sureness["strangers"]]
print("It is surer of strangers than of these circles:", ", ".join(surer) or "none")

# %% [markdown]
# The *form* of a sentence is learned from all sentences together. A *fact* is learned only from those that state it,
# and they must come again and again. Of hermits and strangers the model speaks in nearly the same form and makes the
# fact up. It is seldom right then, and never says so. Its probabilities say a little: of celebrities it is surer, but
# for the rest see the last line. In lesson 02 we met this as hallucination; here is where it comes from.
#
# So this is what more tokens buy: once the form is there, rarer and rarer facts.
#
# ## 3. More text
#
# The course's own base model read for longer, about a larger village. Its run is recorded.
#
# **Predict first.** Twice the text: half the loss?

# %%
from llama_course.training.recorded_runs import gain_per_doubling, recorded_pretraining, share_of_gain

longer = recorded_pretraining()
points = longer.loss_while_reading()
plots.curves({"while reading": points, "on other text": longer.loss_on_held_out()}, marks=["on other text"],
             title="The longer run", xlabel="tokens read", ylabel="loss in nats", log_x=True)  # fmt: skip

# %%
print(f"The first tenth of the text brought {share_of_gain(points, 0.1):.0%} of the fall.")
for tokens, gain in gain_per_doubling(points)[-4:]:
    print(f"doubling to {tokens:12,.0f} tokens: loss down by {gain:.2f}")
for step, text in longer.samples[-4:]:
    print(f"\nafter {step * longer.tokens_per_step:,} tokens: {text}")

# %% [markdown]
# Most comes early: that is the form. Then each doubling brings little, and costs twice as much as the one before. Was 2
# trillion the end of it? And A2's "40 percent more data": **predict first**, right or wrong?

# %%
from llama_course.policy.training_runs import card_rows, figure, run, runs, statement

print(f"“{statement('saturation').quote}” (Llama 2 paper)\n")
for name in ("llama-1-tokens-large", "llama-1-tokens-small"):
    more = figure("llama-2-tokens").value / figure(name).value - 1
    print(f"Llama 2 read {more:+.0%} beside the {figure(name).value / 1e12:.1f} trillion tokens {figure(name).plain}")
print(f"\nA2.2: {claim('A2.2').verdict}. {claim('A2.2').explanation}")

# %% [markdown]
# Both percentages are true: the first family did not all read equally much. Ask of every percentage: of what?
#
# ## 4. Would you bet millions on it?
#
# Nobody spends millions to see what comes out. First one trains small models and looks for a law. Ours read equally
# much of the village's text.

# %%
from llama_course.models.llama import count_parameters
from llama_course.training.scaling import fit_scaling_law
from llama_course.training.scaling_runs import NEW_SIZE, TOKENS, recorded_runs, run_scaling, scaling_config

recorded = [(r.parameters, r.loss_nats) for r in recorded_runs()]  # parameters: how many weights there are
law = fit_scaling_law(*zip(*recorded, strict=True))
new_size = count_parameters(scaling_config(NEW_SIZE))  # larger than any that was recorded
print(f"{len(recorded)} recorded runs on {TOKENS:,} tokens each. {law}")

# %%
fitted = [(n, float(law.loss(n))) for n in (*sorted({n for n, _ in recorded}), new_size)]
plots.curves({"law": fitted, "recorded": recorded}, marks=["recorded"], title="Larger models, smaller loss",
             xlabel="parameters", ylabel="loss in nats", log_x=True)  # fmt: skip

# %% [markdown]
# The line goes on where no model was trained. **Predict first.** Write down the loss at its end, to two digits. Then
# the law says its number, and only then the model is trained.

# %%
predicted = float(law.loss(new_size))
print(f"The law, for {new_size:,} parameters: loss {predicted:.2f}")
new = run_scaling(village, NEW_SIZE)
print(f"The model, trained: {new.loss_nats:.2f}. The law was off by {abs(predicted / new.loss_nats - 1):.1%}.")
tries = [r.loss_nats for r in recorded_runs([NEW_SIZE])]
print(f"Chance has a part: {len(tries)} recorded tries with this size ended from {min(tries):.2f} to {max(tries):.2f}.")

# %% [markdown]
# No law of nature: it holds for this text and this way of training, not too far from the sizes it was fitted to. But
# with one, an order of millions is less of a gamble. It says how good the *predictor* will be, and not what that is
# good for.
#
# ## 5. The bill: 6 · N · D
#
# Each parameter takes part in the prediction of each token: one product, one sum. **Predict first.** Training has to
# go the way back as well. How many operations does it take for each parameter and token?

# %%
from llama_course.models.llama import LLAMA_2_7B, LLAMA_2_70B
from llama_course.training.flops import count_training_flop

for name, sizes, length in [("ours", config, 128), ("7B", LLAMA_2_7B, 4096), ("70B", LLAMA_2_70B, 4096)]:
    counted = count_training_flop(sizes, length)
    each = counted / (count_parameters(sizes) * length)
    print(f"{name:4} {counted:.2e} operations for {length:,} tokens: {each:.2f} for each parameter and token")

# %% [markdown]
# (Yes, we counted those of Llama 2 without having it: counting needs the shapes, not the numbers.) Two forwards; four
# backwards, where the blame is worked out for the weight and for what came before it; and some for attention, which the
# rule of thumb leaves out. The rule: **6 · N · D** operations for N parameters and D tokens. How long would *your*
# computer need for Llama 2 7B?

# %%
from llama_course.policy.training_cost import published_rent, published_utilisation, training_cost, training_flop

own_speed = training_flop(new.parameters, TOKENS) / new.time_s
years = run("llama-2-7b").flop / own_speed / (365 * 24 * 3600)
print(f"This computer made {own_speed:.1e} operations a second in section 4. It would take {years:,.0f} years.")

# %% [markdown]
# Meta used many graphics cards (GPUs), each far faster. A *GPU hour* is one card for one hour. How much of what the
# cards can do at best did published trainings reach?

# %%
for row in runs().values():
    print(f"{row.model:15} {row.flop:.1e} operations in {row.gpu_hours:10,.0f} {row.accelerator} hours: "
          f"{row.utilisation:.0%} of the best")  # fmt: skip
print(f"From {published_utilisation().low:.0%} to {published_utilisation().high:.0%}.")

# %% [markdown]
# So two numbers of a model card, N and D, give the hours, within a range. If they are printed as well, one can check.
#
# ## 6. The row that is not there
#
# The model card of Llama 2 prints this table. **Predict first.** Add the hours up. What is going on: a slip, failed
# runs, the fine-tuning, something else?

# %%
hours, tonnes = figure("card-hours").value, figure("card-carbon").value
rows = [(r.model, f"{r.gpu_hours:,}", r.power_w, f"{r.carbon_t:.2f}") for r in card_rows()]
table([*rows, ("Total", f"{hours:,}", "", f"{tonnes:.2f}")], ["", "GPU hours", "watts per card", "tonnes of CO2"],
      caption=str(figure("card-hours").source), numeric=[1, 2, 3])  # fmt: skip

# %%
missing_hours = hours - sum(r.gpu_hours for r in card_rows())
missing_tonnes = tonnes - sum(r.carbon_t for r in card_rows())
print(f"missing: {missing_hours:,} hours ({missing_hours / hours:.0%} of the total) and {missing_tonnes:.2f} tonnes")

# %% [markdown]
# What was it? The electricity gives a clue: the tonnes for each kilowatt-hour are the same in every row. If in this one
# as well, they tell the watts.

# %%
for r in card_rows():
    print(f"{r.model}: {1000 * r.carbon_t / r.energy_kwh:.3f} kg for each kWh")
missing_kwh = missing_tonnes * sum(r.energy_kwh for r in card_rows()) / sum(r.carbon_t for r in card_rows())
missing_watts = 1000 * missing_kwh / missing_hours
print(f"missing: {missing_kwh:,.0f} kWh in {missing_hours:,} hours, so {missing_watts:.0f} watts a card")

# %% [markdown]
# Cards that were given less power, then. And if it was a model that read as much as the others, it can be weighed: by
# its hours or by its energy.

# %%
by_hours = [missing_hours / r.gpu_hours * r.parameters / 1e9 for r in card_rows()]
by_energy = [missing_kwh / r.energy_kwh * r.parameters / 1e9 for r in card_rows()]
print(f"by hours: {min(by_hours):.0f} to {max(by_hours):.0f} billion parameters")
print(f"by energy: {min(by_energy):.0f} to {max(by_energy):.0f} billion parameters")

# %% [markdown]
# Which scale would you trust? A card with less power works more slowly, so its hours count for less. The paper, unlike
# the card, prints the row:

# %%
withheld = run("llama-2-34b")
print(f"{withheld.model}: {withheld.gpu_hours:,} hours, {withheld.power_w} watts, {withheld.carbon_t} tonnes; "
      f"not released “{statement('withheld').quote}” ({withheld.source.document.name})")  # fmt: skip

# %% [markdown]
# A whole model, trained and held back. The card's total counts it; its table leaves out what nobody could download.
# Whoever adds up finds such things, and can ask.
#
# ## 7. Who can pay?
#
# Now A2's sentence about the millions. **Predict first.** Thousands of dollars, millions, billions? We need a price
# for a GPU hour, and take two, a low and a high one.

# %%
for name in ("rent-low", "rent-high"):
    print(f"{figure(name).value:.2f} dollars: {figure(name).plain}")
print(f"All of Llama 2, from its hours: {hours * published_rent() * 1e-6:.1f} million dollars")

# %% [markdown]
# That took the card's hours. Where a card prints only N and D, the ranges of published runs give the rest. (The three
# below are among those runs. Try it on a card of your own.)

# %%
rows = []
for row in (run("llama-2-7b"), run("llama-2-34b"), run("llama-2-70b")):
    cost = training_cost(row.parameters, row.tokens)  # from N and D alone
    dollars, carbon = f"{cost.cost_dollars * 1e-6:.1f}", f"{cost.carbon_t:.0f}"
    rows.append((row.model, f"{cost.gpu_hours * 1e-3:,.0f}", dollars, carbon, f"{row.carbon_t:.0f}"))
table(rows, ["from N and D", "thousand GPU hours", "million dollars", "tonnes of CO2", "as published"],
      numeric=[1, 2, 3, 4])  # fmt: skip

# %%
print(f"WIRED: “{quotations()['cost'].original}”\nA2’s rewrite: “{quotations()['cost'].copy}”")
print(f"A2.15: {claim('A2.15').verdict}")

# %% [markdown]
# It cost millions. What is free is the download: somebody else has paid. In electricity and carbon, from the card:

# %%
kwh = missing_kwh + sum(r.energy_kwh for r in card_rows())
homes, cars = kwh / figure("home-electricity").value, tonnes / figure("car-carbon").value
print(f"{kwh / 1e6:.2f} million kWh, as much as {homes:.0f} American homes use in a year")
print(f"{tonnes:.0f} tonnes of CO2, as much as {cars:.0f} American cars in a year")
print(f"Meta says: “{statement('offset').quote}”, and “{statement('not-incurred').quote}”.")

# %% [markdown]
# And that is the last run only. Before it come trials and failures, people and data. How much more? And did it take a
# giant, as A0 quotes Nick Clegg?

# %%
whole, final, mpt = figure("llama-1-development"), figure("llama-1-all-runs"), run("mpt-7b")
print(f"First Llama: {final.value:,} GPU hours in the final runs, {whole.value:,} in all: "
      f"{whole.value / final.value:.1f} times as many (worked out from a secondary source)")  # fmt: skip
print(f"{figure('mpt-cost').source.document.name}: about {figure('mpt-cost').value:,} dollars for "
      f"{mpt.parameters / 1e9:.1f} billion parameters and {mpt.tokens / 1e12:.0f} trillion tokens")  # fmt: skip
print(f"A0.7: {claim('A0.7').verdict}. {claim('A0.7').explanation}")

# %% [markdown]
# So a model of the smallest Llama's size, on half as many tokens, was within reach of others.
#
# ## What do they buy, and who can pay?
#
# Trillions of tokens buy the form of language first, then facts, the frequent ones first, and with each doubling less.
# They buy neither truth nor manners: what the text does not repeat is made up, and nobody has taught the model to
# answer yet (lesson 05). "Who can pay" has no single answer: it depends on the model, and on whether one counts the
# last run or all the work before it. What can be had is an estimate, for any card that prints two numbers.

# %%
quiz("04")

# %% [markdown]
# ## What you can now explain
#
# - what one step of pretraining does, and what the loss says
# - why form comes before facts, and why rare facts come late or never
# - how a loss is predicted before a model is trained, and what that does not tell
# - how 6 · N · D turns two numbers of a model card into hours, dollars and tonnes, with a range
# - what the table of the Llama 2 card leaves out, and how to find such a thing
#
# **Exercises.** [Exercises 04](../exercises/04_pretraining.ipynb)
#
# **Sources.** Articles A2 and A0: see [lesson 01](01_five_articles.ipynb). Llama 2:
# [model card](https://github.com/facebookresearch/llama/blob/main/MODEL_CARD.md) and
# [paper](https://arxiv.org/abs/2307.09288), Tables 1 and 2, section 2.2. 6ND: Kaplan et al.,
# [arXiv:2001.08361](https://arxiv.org/abs/2001.08361), section 2.1. Scaling laws with a floor: Hoffmann et al.,
# [arXiv:2203.15556](https://arxiv.org/abs/2203.15556). Rare facts in large models: Kandpal et al.,
# [arXiv:2211.08411](https://arxiv.org/abs/2211.08411). Every published number is a row of
# `utils/llama_course/data/policy/training_runs.json`, with its source and how sure we are.
