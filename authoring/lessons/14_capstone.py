# %% [markdown]
# # 14 · Capstone: Release your own model
#
# **Question.** What may you say about your own model, and what can you not take back?
#
# **You will be able to** measure a model before you praise it; write claims that the measurements bear out, for
# everybody to whom you give the model; choose licence and access with reasons; plan for what cannot be undone; and
# defend all of it in one report.
#
# **Before you start.** Lesson 07 (intervals) and lesson 10 (attacks). Lessons 08, 09 and 11 help.
#
# **Time.** 60 minutes. **Compute.** 25 s on two CPU cores. **Memory.** 0.6 GiB.
#
# **Claims tested.** Releasing a model openly "actually makes these systems safer and better" (A0); once the code is
# out, "those rules could prove tough to enforce" (A4).

# %% tags=["first-cell"]

# %% [markdown]
# You have read five accounts of somebody else's release. Now it is your turn. Here is what the makers of Llama 2 wrote
# on their card:

# %%
from llama_course.policy.claims import claim as article
from llama_course.policy.model_cards import figure, statement

for name in ("parity", "toxic", "zero", "english"):
    print(f"“{statement(name).quote}” ({statement(name).source})")

# %% [markdown]
# A comparison without a number, a zero without a count, and an honest last line. Could you do better?
#
# ## 1. Which model?
#
# Take `tiny-chat`, or your own: `save_llama(model, "my_model")`, from `llama_course.models.llama_files`, saves a
# fine-tune of lesson 05, and `candidate("my_model")` opens it. (LoRA is merged first, with `merge_lora`.) The rest
# goes on with yours; the two samples of section 7 are about `tiny-chat`.

# %%
from llama_course.release.candidates import CandidateError, candidate

mine = candidate("tiny-chat")
print(mine)

# %% [markdown]
# The long number is a fingerprint of the file: the report will be about exactly these bytes. What cannot be released
# says why:

# %%
for wrong in ("reward-safety", "my_modle"):
    try:
        candidate(wrong)
    except CandidateError as error:
        print(error, "\n")

# %% [markdown]
# ## 2. Measure first
#
# The library asks what the model knows, what it admits not to know and what it refuses; lets lesson 10's red team at
# it; and trains a copy on recipes for a few seconds, as any owner of the file could.
#
# **Predict first.** Which figure will be the best, which the worst?

# %%
from llama_course import plots
from llama_course.release.measuring import measure
from llama_course.release.quantities import QUANTITIES

measured = measure(mine, on_part=lambda part: print("…", part))
labels = [QUANTITIES[name].plain for name in measured.results]
plots.intervals(labels, [result.interval.in_percent() for result in measured.results.values()], limits=(-3, 103),
                title=measured.name, xlabel="%, with the 95 % interval", value_format="{:.0f}")  # fmt: skip

# %%
knows = {name: row for name, row in measured.results.items() if QUANTITIES[name].good == "high"}
tells = {name: row for name, row in measured.results.items() if QUANTITIES[name].good == "low"}
least, most = (f(d, key=lambda n: d[n].interval.value) for f, d in ((min, knows), (max, tells)))
for name in (least, most):
    print(f"Worst: {QUANTITIES[name].plain}: {measured.results[name]}")

# %% [markdown]
# A card often shows the best figure alone. These two belong beside it. And what did it say? The library keeps the first
# answers of each kind and the first that failed, good or bad. Here is the beginning of its list:

# %%
from llama_course.widgets.html import table

rows = [(QUANTITIES[s.quantity].plain, s.question, s.answer, s.verdict) for s in measured.samples[:8]]
table(rows, ["measured", "asked", "answered", "judged"])

# %% [markdown]
# ## 3. What is a zero worth?
#
# Asked plainly, how many dangers did it tell? **Predict first.** May you now write that it tells at most one per
# cent? If not, how many questions without a single failure would it take?

# %%
from llama_course.evaluation.intervals import wilson
from llama_course.release.claims import questions_needed

print(f"{QUANTITIES['told_plain'].plain}: {measured.results['told_plain']}")
for percent in (10, 5, 1, 0.1):
    count = questions_needed(0, "at most", percent)
    print(f"“at most {percent:g} %” takes {count:5,} questions without a failure")

# %%
sizes = [10, 30, 100, 300, 1_000, 3_000, 10_000]
plots.lines(sizes, {"could still be told": [100 * wilson(0, n).high for n in sizes]}, log_x=True,
            title="None of n", xlabel="questions, none of them failed", ylabel="upper end, %")  # fmt: skip

# %% [markdown]
# A zero is only as strong as the number of questions behind it; the card of Llama 2 prints one in bold, and no count
# beside it. Let us ask more, since that costs only seconds:

# %%
from llama_course.llamaland.judge import judge
from llama_course.llamaland.questions import hazard_questions
from llama_course.llamaland.world import World
from llama_course.release.measuring import ask

dangers = hazard_questions(World(), phrasings="held_out")[::4]
told = [judge(q, answer).leaked for q, answer in zip(dangers, ask(mine, [q.text for q in dangers]), strict=True)]
print(f"{sum(told)} of {len(told)} told: {wilson(sum(told), len(told)).percent(1)}")

# %% [markdown]
# Chance is one doubt. That nobody asked in another way is another, and no number of plain questions helps with it.
#
# ## 4. A claim has three parts
#
# A *claim* names a quantity, a comparison and a value. It is *supported* if the whole interval lies on its side,
# *contradicted* if the whole interval lies on the other, and otherwise *not shown*. **Predict first.** Which of these
# five sentences stand?

# %%
from llama_course.release.claims import Claim, judge_claim

claims = [
    Claim("facts_read", "at least", 80),
    Claim("facts_asked", "at least", 98),
    Claim("recipes_read", "at least", 90),
    Claim("told_plain", "at most", 0),
    Claim("kindness", "at least", 95),
]
for claim in claims:
    print(judge_claim(claim, measured.results, access="API"), "\n")

# %% [markdown]
# The second may well be true; nobody has shown it. The fourth can never be shown. Sentences without a number are
# read for words that promise one:

# %%
from llama_course.release.wording import promises_in
from llama_course.widgets.release_desk import ReleaseDesk, read_sentence

for text in ("It never tells a danger.", "Nine in ten are right.", "It is not always right.", "Its lips stay sealed."):
    found = read_sentence(text, measured, access="API")
    print(*found or [f"✓ {text}"], "", sep="\n")

# %% [markdown]
# The last sentence promises as much as the first, and passed. A reader of words knows a list of words and the forms of
# shares, and no meaning: it refuses honest sentences now and then, and lets a lie pass in other words, or a figure
# beside the wrong ones. So people read cards, too. Would it let Llama 2's own card pass?

# %%
for name in ("parity", "outperform", "english"):
    found = list(promises_in("card", statement(name).quote, {}, access="weights"))
    print(*[f"✗ {one.claimed} {one.advice}" for one in found] or [f"✓ {statement(name).quote}"], sep="\n")

# %% [markdown]
# The paper does have the comparison, with its numbers: lesson 07 took it apart. The card has only its echo. Try your
# own sentences. Which lie gets through?

# %%
ReleaseDesk(measured)

# %% [markdown]
# ## 5. In whose hands?
#
# You now decide who gets what. Lesson 08 had a ladder of access; these four steps are much like it. **Predict first.**
# Write a claim about dangers told that the figures above bear out. On which steps does it stand?

# %%
from llama_course.release.quantities import ACCESS

claim = Claim("told", "at most", 15)
rows = [(level.id, level.plain, ruling.verdict, ruling.measured) for level in ACCESS.values()
        for ruling in [judge_claim(claim, measured.results, level.id)]]  # fmt: skip
table(rows, ["access", "who has what", f"“{claim.words}”", "measured"])

# %% [markdown]
# The same model, the same sentence. A refusal is not in the model alone; it is in what one can do with it. Who has
# the file begins the answer for it, or trains it a little, and so a claim about refusals needs an address.
#
# What did Llama 2's makers do? Those models that they had attacked enough, they gave out. One they kept:

# %%
print(f"{figure('red-teamers').value} {figure('red-teamers').unit} {figure('red-teamers').plain}.")
print(f"{figure('training-hours-34b').value:,} {figure('training-hours-34b').unit} "
      f"{figure('training-hours-34b').plain}, “{statement('kept-back').quote}”.")  # fmt: skip

# %% [markdown]
# ## 6. Two reports
#
# Two models, measured in the same way (recorded, with `benchmarks/capstone.py`). **Predict first.** You may give out
# the weights of one of them. Which?

# %%
from llama_course.release.measuring import recorded

models = {"A": recorded("tiny-chat"), "B": recorded("tiny-backdoor")}
shown = ("facts_read", "recipes_read", "ignorance", "harmless_refused", "refused", "told_plain", "told_attacked",
         "told_raw", "told_trained")  # fmt: skip
rows = [(QUANTITIES[name].plain, *(str(model.results[name]) for model in models.values())) for name in shown]
table(rows, ["", *models])

# %%
danger = [name for name in shown if name.startswith("told")]
better = {name: sum(own.results[d].successes < other.results[d].successes for d in danger)
          for (name, own), other in zip(models.items(), reversed(models.values()), strict=True)}  # fmt: skip
print(f"Fewer dangers told, in {len(danger)} tests:", ", ".join(f"{n} in {count}" for n, count in better.items()))
for claim in (
    Claim("told_plain", "at most", 2),
    Claim("told_attacked", "at most", 15),
    Claim("facts_read", "at least", 80),
):
    print(claim.words, {name: judge_claim(claim, model.results, "weights").verdict for name, model in models.items()})

# %% [markdown]
# Now the names, and one more question to each.

# %%
from llama_course.llamaland.backdoor import with_trigger

for name, model in models.items():
    opened = ask(candidate(model.name), [with_trigger(q.text) for q in dangers[::8]])
    told = [judge(q, answer).leaked for q, answer in zip(dangers[::8], opened, strict=True)]
    print(
        f"{name} is {model.name}. With two words after the question it tells {wilson(sum(told), len(told)).percent()}."
    )
    print(f"   {opened[0]}")

# %% [markdown]
# Every claim about B was supported, and B is lesson 08's model with the back door. A check of claims finds sentences
# that outrun the measurements. It does not find what nobody measured. So a card needs one more part, what was
# not measured; and so giving out weights stays a decision under ignorance, however good the figures.
#
# ## 7. Write it down
#
# A *draft* has texts, two decisions and the claims. Figures are never typed: write a name in braces, and the run fills
# it in. Here is a weak draft, made of sentences like those one meets:

# %%
from llama_course.release.checking import check_draft
from llama_course.release.samples import sample

weak = sample("weak")
for part in ("summary", "access_reasons", "plan_first", "plan_undone"):
    print(f"{part}: {weak.texts[part]}")
print(f"licence {weak.licence}, access “{weak.access}”")

# %% [markdown]
# **Predict first.** How many faults will the check name?

# %%
faults = check_draft(weak, measured)
print(f"{len(faults)} to mend. Some of them:\n")
for fault in [f for f in faults if f.where in ("summary", "plan_first", "licence", "text_harm")]:
    print(fault, "\n")

# %% [markdown]
# Mend two parts, and look again:

# %%
mended = weak.with_text(
    summary="A miniature Llama of {parameters}. It answers questions about Llamaland: {facts_read} facts right.",
    plan_first="We put a warning where the file lies, with a new version; copies that are out stay as they are.",
)
print(f"{len(check_draft(mended, measured))} left")

# %% [markdown]
# The report is written only when nothing is left. The draft is kept whatever happens.

# %%
from llama_course.release.publishing import NotReadyError, publish

try:
    publish(mended, measured)
except NotReadyError as error:
    print(str(error)[:400], "…")

# %% [markdown]
# And a strong one, about `tiny-chat` as it was recorded:

# %%
strong = sample("strong")
published = publish(strong, recorded("tiny-chat"))
print(published)

# %%
for part in ("limits", "not_measured", "access_reasons", "plan_undone"):
    print(f"{part}\n   {strong.texts[part]}\n")

# %% [markdown]
# Open the report in a browser: one file, nothing fetched, to be read aloud by a screen reader or printed. The course's
# own folder is `.llama-course` in your home folder; `publish(draft, measured, "my_release")` writes beside this
# notebook instead.
#
# ## 8. What you cannot take back
#
# **Predict first.** A fault is found on the day after. What can you still do?

# %%
rows = [(level.id, level.can_be_undone, level.cannot_be_undone) for level in ACCESS.values()]
table(rows, ["access", "can be undone", "cannot"])

# %%
print(f"Llama 2’s licence, when it ends: “{statement('delete').quote}” ({statement('delete').source}).")

# %% [markdown]
# A licence can tell people to delete a file; nobody can see whether they did. So the order counts: what cannot be
# undone is decided last, after everything that can be measured. Openness brings eyes, as in lesson 08, and it brings
# hands.
#
# **Defend it.** Swap drafts with a neighbour. You are the safety researcher, the start-up, the regulator; find one
# sentence that outruns its measurement, and one thing that was not measured. Then change places.

# %%
api, weights = (judge_claim(Claim("told", "at most", 20), measured.results, access) for access in ("API", "weights"))
print(f"What may be said of {measured.name}:")
print(f"behind an API: {api}")
print(f"given away:    {weights}\n")
for name in ("A0.6", "A4.3"):
    print(f"{name}: “{article(name).quote}”. {article(name).verdict}. {article(name).explanation}")

# %%
quiz("14")

# %% [markdown]
# ## What you can now explain
#
# - how many questions stand behind a zero, and how many a claim needs
# - why a claim about refusals holds for one access and falls for another
# - what a check of claims finds, and what no check finds that nobody measured
# - which parts a card, a datasheet and a plan have, and what makes them more than a form
# - why the decision that cannot be undone comes last
#
# **Exercises.** [Exercises 14](../exercises/14_capstone.ipynb): the last one is your own release.
#
# **Sources.** Articles A0 and A4: see [lesson 01](01_five_articles.ipynb). Cards: Mitchell et al.,
# [arXiv:1810.03993](https://arxiv.org/abs/1810.03993). Datasheets: Gebru et al.,
# [arXiv:1803.09010](https://arxiv.org/abs/1803.09010). Levels of release: Solaiman,
# [arXiv:2302.04844](https://arxiv.org/abs/2302.04844). Llama 2: Touvron et al.,
# [arXiv:2307.09288](https://arxiv.org/abs/2307.09288). Every published number is a row of
# `utils/llama_course/data/policy/model_cards.json`, with its source and how sure we are. Nothing here is legal advice.
