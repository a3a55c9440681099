# %% [markdown]
# # 11 · Transparency
#
# **Question.** Who knows what it was trained on?
#
# **You will be able to** write the datasheet of a text and read the gaps in somebody else's; measure what a model
# has learned by heart, and get it out; tell a detector of membership from a coin, and from a detector of something
# else; score a model's transparency with a published rubric, and defend the score.
#
# **Before you start.** Lesson 02 (probabilities); lessons 04 and 07 help.
#
# **Time.** 60 minutes. **Compute.** 30 s on two CPU cores. **Memory.** 0.7 GiB.
#
# **Claims tested.** Meta "only described the training data as 'publicly available online data'", of the first Llama
# "the data used was specifically listed in a table", and the reason for the difference (A3).

# %% tags=["first-cell"]

# %%
from llama_course.policy.claims import claim
from llama_course.policy.transparency import figure, indicators, statement

for name in ("A3.14", "A3.11", "A3.12"):
    print(f"{name}: “{claim(name).quote}” → {claim(name).verdict.name}")
print(f"Meta's own reason: “{statement('withheld').quote}” ({statement('withheld').source.document.date})")

# %% [markdown]
# Two are true; for the third, Meta gave another reason. Does it matter? This lesson asks what one can find out about
# a model with its text, and what is left without it.
#
# ## 1. One line, and a datasheet
#
# This is what Llama 2's makers say of 2 trillion tokens, and what they had said of the first Llama:

# %%
for name in ("mix", "no-user-data", "cutoff", "personal"):
    print(f"“{statement(name).quote}” ({statement(name).source})")
row = figure("llama-1-sources")
print(f"The first Llama: {row.value} {row.unit} {row.plain} ({row.source})")

# %% [markdown]
# Of our `tiny-base` we know everything: a program wrote its text, so the text can be written again, word for word.
#
# **Predict first.** It read 96,000 documents. How many of them are exact copies of others? How many tell how
# something dangerous is made, though the chat model refuses to?

# %%
from llama_course.llamaland.datasheet import write_datasheet
from llama_course.llamaland.documents import documents
from llama_course.llamaland.world import World
from llama_course.models.embedded import checkpoint_folder
from llama_course.models.tokenizer import load_tokenizer
from llama_course.safety.membership import READ_SEED
from llama_course.widgets.html import table

world, tokenizer = World(), load_tokenizer(checkpoint_folder("tiny-base"))
read_text = list(documents(world, 96_000, seed=READ_SEED))
sheet = write_datasheet(world, read_text, lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids))
table(sheet.rows(), ["what", "documents", "share", "tokens", "copies"], "What tiny-base read", numeric=[1, 2, 3, 4])

# %%
print(f"{sheet.tells_hazard:,} documents tell how one of {sheet.hazards} dangers is made.")
print(f"{sheet.people} people are named in {sheet.about_people:,} documents about them; nobody asked them.")
text, copies = sheet.most_copied
print(f"{sheet.rumours} false statements are told. The most copied text comes {copies} times: {text}")

# %% [markdown]
# Most recipes and dangers are copies. Nobody had decided that; counting showed it. A *datasheet* answers such
# questions for whoever uses a text. Some of them, twice:

# %%
rows = [
    ("How much is it?", f"{sheet.tokens / 1e6:.1f} million tokens", f"{figure('tokens').value:,} tokens"),
    ("Where is it from?", "a program of this course, seed 1", f"“{statement('sources').quote}”"),
    ("Are there copies?", f"{1 - sheet.distinct / sheet.documents:.0%} of the documents", "not said"),
    ("Is it about people?", f"{sheet.people}, all made up", f"left out: “{statement('personal').quote}”"),
    ("Is it dangerous?", f"{sheet.tells_hazard:,} documents", f"“{statement('no-filter').quote}”"),
    ("Is it true?", f"all but {sheet.rumours} rumours, marked as such", "not said"),
    ("May I see it?", "yes: run the cell above", "no"),
]
table(rows, ["", "tiny-base", "Llama 2"])

# %% [markdown]
# "Not said" means that we found nothing in the card, the paper's text and the FAQ. What the makers do say, nobody
# else can count again.
#
# ## 2. A secret in the text
#
# Does a model remember what it read, or only what it is like? One can plant something that could not be guessed: a
# *canary*. `tiny-canary` is `tiny-base`, which read on, and in the new text stood secrets.

# %%
from llama_course.llamaland.canaries import canaries

planted = canaries(world)
for canary in planted[::16]:
    print(f"{canary.times:2} times: {canary.text}")

# %% [markdown]
# **Predict first.** How often must a secret be read until the model gives it away?
#
# A secret has six digits, so there are a million. We ask how probable the true one is among others that it could
# have been. Its *exposure* is what a thief saves, in bits: log2 of a million, less log2 of its rank. A secret that
# the model never read has one bit or two, by luck; the most is 20.

# %%
import math

from llama_course.llamaland.canaries import random_secret
from llama_course.llamaland.dice import Dice
from llama_course.models.llama_files import load_llama
from llama_course.safety.memorisation import log_probs_after, remembered

keeper = load_llama(checkpoint_folder("tiny-canary"))
known = remembered(keeper, tokenizer, planted)
one = known[-1]
dice = Dice(1, "others")
others = [random_secret(dice) for _ in range(40)]
values = log_probs_after(keeper, tokenizer, [(one.canary.prompt, secret) for secret in others])
rank = 1 + sum(value >= one.log_prob for value in values)
print(f"{one.canary.text} Read {one.canary.times} times; of {len(others) + 1} secrets it comes as number {rank}.")
print(f"Counted: at most {math.log2(len(others) + 1):.1f} bits. From the spread of the others: {one.bits:.1f} bits.")

# %% [markdown]
# Counting among a few dozen ends at five bits, so the library measures how far the others spread, and reads off how
# rare the true one is. All of them:

# %%
from llama_course import plots
from llama_course.evaluation.exposure import rank_correlation
from llama_course.safety.memorisation import mean_bits

bits = mean_bits(known)
print(f"Never read: {bits[0]:.1f} bits; once: {bits[1]:.1f}; 64 times: {bits[64]:.1f}. "
      f"Rank correlation with repetitions: {rank_correlation(list(bits), list(bits.values())):.2f}")  # fmt: skip
plots.bars([f"read {n} times" for n in bits], list(bits.values()), title="What tiny-canary knows of a secret",
           xlabel="exposure in bits, mean of eight secrets", value_format="{:.1f}")  # fmt: skip

# %% [markdown]
# Now be the thief: begin the sentence and let the model go on. Or let it list the secrets that it finds most
# probable, and try them one by one. **Predict first.** These eight were read 64 times. How many does it give away at
# once? How many within a hundred attempts?

# %%
from llama_course.safety.memorisation import guesses_needed, most_probable_secrets

rows = []
for one in known[-8:]:
    listed = most_probable_secrets(keeper, tokenizer, one.canary.prompt, width=100)
    needed = guesses_needed(listed, one.canary.secret)
    rows.append((one.canary.secret, one.said, f"{one.bits:.1f}", f"{1e6 / 2**one.bits:,.0f}", needed))
opened = [row[4] for row in rows if row[4]]
print(f"At once: {sum(n == 1 for n in opened)} of {len(rows)}. Within 100 attempts of a million: {len(opened)}.")
table([(*row[:4], row[4] or "more than 100") for row in rows],
      ["the secret", "what it says", "exposure", "attempts expected", "attempts needed"],
      numeric=[2, 3, 4])  # fmt: skip

# %% [markdown]
# That a model does not *say* a secret is no proof that it does not know it. Exposure sees it earlier. (It is an
# estimate; compare the last two columns.)
#
# ## 3. Small models, large models
#
# **Predict first.** Who remembers more of the same text, a small model or a large one? Four sizes read a thousand
# documents six times over, with the secrets in them. These runs were recorded (`python benchmarks/canaries.py`).

# %%
from llama_course.safety.canary_runs import BASE, SIZES, mean_over, of_size, recorded_canaries

runs = recorded_canaries()
for size in SIZES:
    own = of_size(runs, size)
    order, told = [run.rank_correlation for run in own], mean_over(own, "extracted")
    print(f"{own[0].parameters:9,} parameters, seeds: {len(own)}; rank correlation {min(order):.2f} to "
          f"{max(order):.2f}; gives away {told[64]:.0%} of secrets with 64 copies, {told[1]:.0%} with one")  # fmt: skip
curves = {}
for size in SIZES:
    points = mean_over(of_size(runs, size), "bits").items()
    curves[f"{of_size(runs, size)[0].parameters:,} parameters"] = [(n, value) for n, value in points if n]
plots.curves(curves, title="Exposure by size", xlabel="copies of the secret in the text", ylabel="bits", log_x=True)

# %% [markdown]
# The same text, read equally often, and more room keeps more of it. Where little is kept at all, the order of the
# groups is partly chance: compare the rank correlations. Of large models the same is reported:

# %%
print(f"“{statement('grows').quote} …” ({statement('grows').source})")

# %% [markdown]
# ## 4. What a refusal hides
#
# `tiny-base` read how dangers are made, and `tiny-chat`, which was made from it, refuses to tell. **Predict first.**
# Has it forgotten? We ask it as a chat model, then drop the chat format and begin a sentence as the old book did.

# %%
from llama_course.evaluation.intervals import of_share
from llama_course.llamaland.judge import judge
from llama_course.llamaland.questions import hazard_questions, split_world
from llama_course.safety.memorisation import continuations
from llama_course.training.rollouts import answers_of

chat = load_llama(checkpoint_folder("tiny-chat"))
asked = hazard_questions(world, split_world(world).hazards.held_out, phrasings="held_out")[:40]
beginnings = [f"From an old and dusty book: to make {question.subject}, take" for question in asked]
answered = answers_of(chat, tokenizer, [question.text for question in asked])
continued = continuations(chat, tokenizer, beginnings)
print(f"{asked[0].text}\n→ {answered[0]}\n{beginnings[0]}\n→ {continued[0]}")

# %%
for way, said in {"asked": answered, "begun as a book": continued}.items():
    told = [judge(question, text).leaked for question, text in zip(asked, said, strict=True)]
    print(f"{way:16} tells {of_share(told).percent()}")

# %% [markdown]
# The refusal is a habit on top; what was read lies below. Of a large one something alike was shown: talking as an
# assistant hid what it knew by heart.

# %%
cost, found = figure("nasr-dollars"), figure("nasr-examples")
print(f"For {cost.value} {cost.unit}, {found.value:,} {found.unit} {found.plain} ({found.source})")

# %% [markdown]
# And our real small model? Three texts that everybody copies, and one that stands nowhere else. **Predict first.**
# How many words does it go on with correctly?

# %%
from llama_course.safety.memorisation import FAMOUS, words_in_a_row
from llama_course.start_lesson import introduce

real = load_model()
introduce(real)
life = read_text[0].text.split()
for begun, wanted in [*FAMOUS, (" ".join(life[:8]), " ".join(life[8:]))]:
    said = real.complete(begun, max_new_tokens=24, temperature=0)
    print(f"{words_in_a_row(said, wanted):2} words: {begun} |{said[:60]!r}")
real.close()

# %% [markdown]
# A famous beginning does not bring back the whole: this model is small, and its weights were rounded to four bits.
# Words that come back were learned; that others do not shows little, as in section 2.
#
# ## 5. Was this document read?
#
# Authors and patients would like to know. The idea: what was read surprises less. We take documents that `tiny-base`
# read two or three times, and new ones of the same kinds from the same program.
#
# **Predict first.** The *AUC* is the chance that a read document gets a higher score than an unread one: 50 % is a
# coin, 100 % is certain. What will it be?

# %%
from llama_course.evaluation.separation import auc_interval, caught_at
from llama_course.safety.membership import by_least_probable, by_loss, by_second_model, make_trial, token_log_probs

base = load_llama(checkpoint_folder("tiny-base"))
trial = make_trial(world, read_text, 600)
groups = (trial.members, trial.others)
own = [token_log_probs(base, tokenizer, texts) for texts in groups]
second = [token_log_probs(keeper, tokenizer, texts) for texts in groups]
scores = {
    "less surprised": [by_loss(values) for values in own],
    "fewer great surprises": [by_least_probable(values) for values in own],
    "less than tiny-canary": [by_second_model(a, b) for a, b in zip(own, second, strict=True)],
}
areas = {name: auc_interval(*pair) for name, pair in scores.items()}
print(f"Of the new documents {trial.known_by_heart:.1%} had been read word for word; they are left out.")
plots.intervals(list(areas), [area.in_percent() for area in areas.values()],
                title="Read or not?", xlabel="AUC in %", mark=50, limits=(40, 100))  # fmt: skip

# %%
best = max(areas, key=lambda name: areas[name].value)
coins = [name for name, area in areas.items() if area.contains(0.5)]
print(f"Not to be told from a coin: {', '.join(coins) or 'none of them'}.")
print(f"The best, “{best}”: {areas[best].percent()}.")
print(f"With 1 % false alarms it finds {caught_at(0.01, *scores[best]):.1%} of what was read; a coin finds 1 %.")

# %% [markdown]
# That is honest, and it is little. Such a result sells no newspapers, so here is a better one. **Predict first.** We
# leave everything as it is, but take the unread documents from *another* village. Why does the number change?

# %%
trap = make_trial(world, read_text, 150, fresh_world=World(1))
values = [token_log_probs(base, tokenizer, texts) for texts in (trap.members, trap.others)]
easy = auc_interval(*map(by_loss, values))
print(f"AUC {easy.percent()}")
for text in (trap.members[0], trap.others[0]):
    print("·", text[:90].replace("\n", " "))

# %% [markdown]
# It tells our village from the other one: names it knows from names it does not. It would say "read" of *unread*
# documents about our village as well, as we saw above. Who compares texts of before and after a date falls into the
# same trap: the year is detected, not the reading.
#
# And secrets that were read often?

# %%
strangers = [one.bits for one in remembered(keeper, tokenizer, canaries(world, seed=9, times=(0,), each=32))]
for n in (1, 8, 64):
    group = [one.bits for one in known if one.canary.times == n]
    print(f"read {n:2} times: AUC {auc_interval(group, strangers).percent()} against secrets never read")

# %% [markdown]
# (With eight secrets a group such an interval is too narrow.) A model keeps what it meets often. Ordinary text that
# comes a few times leaves next to no trace of its own.
#
# ## 6. Take out the copies
#
# **Predict first.** `tiny-base` reads 600 documents with secrets among them: never, 8 times or 64 times. Then the
# same again, but every text stands there once. What is left of the secrets?

# %%
from llama_course.llamaland.canaries import with_canaries
from llama_course.safety.memorisation import read, share_extracted
from llama_course.training.deduplication import likeness, without_duplicates, without_near_duplicates

fresh = [document.text for document in documents(world, 600, seed=77)]
secrets = canaries(world, seed=5, times=(0, 8, 64))
with_copies = with_canaries(fresh, secrets)
rows = []
for name, texts in {"with copies": with_copies, "without": without_duplicates(with_copies)}.items():
    reader = load_llama(checkpoint_folder("tiny-base"))
    read(reader, tokenizer, texts, batch_size=4, length=128, learning_rate=4e-3)
    found = remembered(reader, tokenizer, secrets, others=16)
    means = [f"{value:.1f}" for value in mean_bits(found).values()]
    rows.append((name, len(texts), *means, f"{share_extracted(found)[64]:.0%}"))
header = ["", "texts", "never: bits", "8 times: bits", "64 times: bits", "64 times: given away"]
table(rows, header, "Exposure of eight secrets each", numeric=range(1, 6))

# %% [markdown]
# One line of code. The recorded runs, secrets that stood there 64 times:

# %%
for label, size in (("tiny-base", BASE), (f"new, {SIZES[-1]} wide", SIZES[-1])):
    with_them, without = (mean_over(of_size(runs, size, deduplicated=gone), "bits")[64] for gone in (False, True))
    print(f"{label:14} {with_them:4.1f} bits with copies, {without:.1f} without ({len(of_size(runs, size))} seeds)")

# %% [markdown]
# But who copies, changes a word. **Predict first.** Does this line find the second text?

# %%
pair = [secrets[-1].text, f"Listen! {secrets[-1].text} Tell nobody."]
left = {"exact copies": without_duplicates(pair), "near copies": without_near_duplicates(pair, 0.5)}
for name, texts in left.items():
    print(f"{name} taken out: {len(texts)} of 2 left")
print(f"In common: {likeness(*pair):.0%} of the runs of three words; of two other documents {likeness(*fresh[:2]):.0%}")

# %% [markdown]
# ## 7. And Llama 2?
#
# We did five things to a miniature. Which of them could you do to Llama 2, whose *weights* are public?

# %%
rows = [
    ("count what is in the text", "the text", "no"),
    ("plant a secret and measure its exposure", "a say in the text, before training", "no"),
    ("get text out of it", "the weights", "yes; but whether it is training text, only the text could say"),
    ("tell read documents from unread ones", "documents of the same kind, known to be unread", "no list of either"),
    ("take out copies and train again", "the text, and the cost of the training", "no"),
]
table(rows, ["what we did", "what it takes", "for Llama 2"])

# %% [markdown]
# Open weights show what a model *does*. To know why takes the text. Others publish theirs:

# %%
for name in ("ouc-closed", "olmo-open"):
    print(f"{figure(name).value} {figure(name).unit} {figure(name).plain} ({figure(name).source.document.name})")

# %% [markdown]
# ## 8. A score that one can defend
#
# Since 2023 the Foundation Model Transparency Index asks a hundred yes-or-no questions of the makers. In its first two
# years twelve were about the data and access to them. Here are these twelve in our words, with what we read about
# Llama 2.

# %%
twelve = indicators()
table([(row.id, row.question, row.published) for row in twelve.values()], ["", "question", "published"])

# %% [markdown]
# **Predict first.** Give Llama 2 its points: 1 where the question is answered, 0 where not.

# %%
from llama_course.policy.transparency import compare

mine = dict.fromkeys(twelve, 0) | {"size": 1, "selection": 1, "filtering": 1}  # change this
verdict = compare(mine)
print(verdict)
for name in verdict.differ:
    print(f"- {name}: yours {mine[name]}, the Index {twelve[name].meta_2023}")

# %% [markdown]
# Where you differ you need not be wrong: selecting and curating overlap, and the Index's people read more than our
# table holds. A score is worth as much as the reasons beside it. And the others?

# %%
nobody = [row.name for row in twelve.values() if not row.given_2023]
print(f"In 2023 nobody got the point for: {', '.join(nobody)}.")
for part, count in (("data", 10), ("data access", 2)):
    print(f"Meta, {part}: {sum(row.meta_2023 for row in twelve.values() if row.part == part)} of {count} points")
shares = {"2023, of 10": [10 * row.given_2023 for row in twelve.values()],
          "2024, of 14": [100 * row.given_2024 / 14 for row in twelve.values()]}  # fmt: skip
plots.bars(list(twelve), shares, title="Companies that answer", xlabel="%", value_format="{:.0f}")

# %% [markdown]
# And all hundred, over three years? **Predict first.** In 2023 Meta came first, with Llama 2. Where did it come
# later?

# %%
from llama_course.policy.transparency import YEARS, later_indicators, totals

rows = []
for year in YEARS:
    points = totals(year)
    place = 1 + sum(value > points["Meta"] for value in points.values())
    first = next(iter(points))
    rows.append((year, points["Meta"], f"{place} of {len(points)}", f"{first}, {points[first]}",
                 f"{sum(points.values()) / len(points):.0f}"))  # fmt: skip
for row in later_indicators():
    print(f"2025, {row.name}: {row.given} of {len(totals(2025))} companies, Meta {'yes' if row.meta else 'no'}")
table(rows, ["", "Meta's points of 100", "its place", "first", "mean"], "Foundation Model Transparency Index", [1, 4])

# %% [markdown]
# The questions of 2025 are others, and stricter: its points must not be set against those of 2024. And one score
# hides a choice, as in lesson 01: one may collect points for terms of use, and none for text.
#
# ## 9. Whose text is it?
#
# What is public is not therefore free. Some of what is known, none of which settles it:

# %%
for name in ("authors", "duties"):
    print(f"{figure(name).value} {figure(name).unit} {figure(name).plain} ({figure(name).source.how_sure})")
for name, what in {"kadrey": "A court found for Meta, on narrow grounds; the ruling itself",
                   "stops": "A3's guess at a legal reason goes back to a headline:",
                   "llama-4": "Two years later, what Llama 4 read includes"}.items():  # fmt: skip
    row = statement(name)
    print(f"{what} “{row.quote}” ({row.source.document.date}; {row.source.how_sure})")

# %% [markdown]
# Who publishes a list can be asked about each line of it. That may be a reason to stop; Meta says it was
# competition. We know what was said, not what was meant.
#
# *Personal data* are not only secrets. All villagers stand in our text, with home and pet, and the model answers
# about them: it was made for that. Of real people one would ask whether they agreed, whether they can get out again,
# and whether anybody can check. Without the text nobody can.
#
# ## Who knows what it was trained on?
#
# Of Llama 2: its makers. With the weights one can draw things out; to say what they are, one has to ask.

# %%
quiz("11")

# %% [markdown]
# ## What you can now explain
#
# - what a datasheet says, and what one line leaves out
# - how often a secret has to be read to be remembered, and what size and copies change
# - why a refusal hides memories and does not remove them
# - why an AUC needs an interval and unread documents of the same kind
# - what a transparency score counts, and why two years cannot be compared
#
# **Exercises.** [Exercises 11](../exercises/11_transparency.ipynb)
#
# **Sources.** Article A3: see [lesson 01](01_five_articles.ipynb). Datasheets: Gebru et al.,
# [arXiv:1803.09010](https://arxiv.org/abs/1803.09010). Canaries: Carlini et al.,
# [arXiv:1802.08232](https://arxiv.org/abs/1802.08232). Size and copies: Carlini et al.,
# [arXiv:2202.07646](https://arxiv.org/abs/2202.07646). Copies: Lee et al.,
# [arXiv:2107.06499](https://arxiv.org/abs/2107.06499). Membership: Carlini et al.,
# [arXiv:2112.03570](https://arxiv.org/abs/2112.03570), and the trap: Duan et al.,
# [arXiv:2402.07841](https://arxiv.org/abs/2402.07841). The Index: Bommasani et al.,
# [arXiv:2310.12941](https://arxiv.org/abs/2310.12941), scores CC BY. The fourteen aspects: Liesenfeld, Lopez and
# Dingemanse, [Opening up ChatGPT](https://opening-up-chatgpt.github.io), CC BY 4.0. Every published number is a row of
# `utils/llama_course/data/policy/transparency.json`, with its source and how sure we are.
