# %% [markdown]
# # 09 · Licensing
#
# **Question.** Is it open source, and may I ship this?
#
# **You will be able to** read a licence clause by clause and say which clause decides a plan; tell what a licence
# leaves open, and when to ask somebody who is paid to know; judge a model's openness by parts, and say who judged.
#
# **Before you start.** Lesson 01 for the five articles. Python; no machine learning, and no model in this lesson.
#
# **Time.** 60 minutes. **Compute.** 3 s on two CPU cores. **Memory.** 0.2 GiB.
#
# **Claims tested.** "its content is freely available for people to access, use, and modify" (A0), "for a product
# based on Llama 2" (A1), "to allow anyone to use it commercially for free" (A4); and the word *open source*, which
# all five use.
#
# Nothing here is legal advice. Who has to decide asks a lawyer; after this lesson the questions will be better.

# %% tags=["first-cell"]

# %%
from llama_course.policy.claims import claim
from llama_course.policy.clauses import clause

for name in ("A0.2", "A4.1"):
    print(f"{name}: “{claim(name).quote}”")
print(f"The licence: “… {clause('grant').quote}” ({clause('grant').cited()})")

# %% [markdown]
# Free for anyone, says the article. *Limited*, says the licence. Let us see what the limits are worth.
#
# ## 1. Eight plans
#
# **Predict first.** All eight use Llama 2. Which are allowed?

# %%
from llama_course.policy.scenarios import VERDICTS, scenarios
from llama_course.widgets.html import table

told = scenarios()
eight = [told[name] for name in ("essay-as-own", "start-up-grows", "shop-chat", "army", "teach-other",
                                 "safety-out-2", "timetable", "fine-tune-bare")]  # fmt: skip
print("Possible answers:", ", ".join(VERDICTS))
table([(place, row.story) for place, row in enumerate(eight, 1)], ["", "the plan"])

# %%
from llama_course.policy.may_i import may_i

mine = ["allowed", "ask Meta", "allowed", "allowed", "allowed", "forbidden", "allowed", "allowed"]  # change this
answers = [may_i(row.plan) for row in eight]
right = sum(answer.verdict == guess for answer, guess in zip(answers, mine, strict=True))
print(f"{right} of {len(eight)} as the licence reads.")
rows = [(place, guess, answer.verdict, " ".join(one.why for one in answer.deciding))
        for place, (guess, answer) in enumerate(zip(mine, answers, strict=True), 1)]  # fmt: skip
table(rows, ["", "guessed", "may_i", "because"])

# %% [markdown]
# The army's plan is lawful, and forbidden. The growing start-up need not ask. To take the safety tuning out is
# allowed, to hand in the essay is not. And one plan stays open: the policy's words can be read both ways.
#
# ## 2. Clause by clause
#
# Here are the clauses, in our words beside a few of theirs. Search for *output*, then for *delete*. What did the
# articles say?

# %%
from llama_course.widgets.clause_explorer import ClauseExplorer

ClauseExplorer()

# %% [markdown]
# **Predict first.** We take all plans of this lesson that use Llama 2. Which clause decides most of them? And did an
# article tell of it?

# %%
from llama_course.policy.deciding import deciding_clauses, told_by

with_llama_2 = [row for row in told.values() if row.plan.model == "Llama 2"]
counts = deciding_clauses(with_llama_2)
rows = [(clause(name).plain, n, ", ".join(told_by(name)) or "none") for name, n in list(counts.items())[:6]]
silent = sum(not told_by(name) for name in counts)
print(f"{len(with_llama_2)} plans, decided by {len(counts)} clauses; of {silent} of these no article tells.")
table(rows, ["clause", "plans that it decides", "articles that tell of it"], numeric=[1])

# %% [markdown]
# We chose the plans; others would count otherwise. But look at the last column. The articles tell of the users and of
# crime. They do not tell of armies, nor of what becomes of the answers.
#
# ## 3. The 700 million, step by step
#
# Lesson 01 set this clause beside three tellings. Now follow it with a finger. **Predict first.** This small firm
# belongs to a large one. Must it ask?

# %%
from llama_course.policy.user_clause import AFFILIATES, FIRMS
from llama_course.policy.user_steps import steps

print(f"A1: “{claim('A1.8').quote}”")
sister = "Giant’s little sister"
table([(row.question, row.answer) for row in steps(sister, FIRMS, AFFILIATES[sister])], ["", sister])

# %% [markdown]
# Your turn: make the firm big now, make it big then, make its affiliate big. And choose a later version: what
# changes?

# %%
from llama_course.widgets.user_gate import UserGate

UserGate()

# %% [markdown]
# The number that everybody quotes is the least of it. What decides is *whose* users, of *what*, and *when*. Each
# version has a date of its own: whoever grows after one may be too big for the next.
#
# ## 4. A reader that one can read
#
# `may_i` is a list of small rules. This is the one on outputs:

# %%
import inspect

from llama_course.policy import may_i as reader

print(inspect.getsource(reader.outputs))
print("All rules:", ", ".join(rule.__name__ for rule in reader.RULES))

# %% [markdown]
# A plan is a handful of facts. What is missing is asked for; what contradicts itself gets no answer. **Predict
# first.** Which of these three gets one?

# %%
from llama_course.policy.scenarios import scenario

print(may_i(scenario("Llama 2", who="company", business=True, outputs_for="nothing", passes_on="nothing")))
print(may_i(scenario("Llama 2", field="malware")))
print(may_i(told["before-release"].plan))

# %% [markdown]
# Malware is forbidden whoever asks: what is missing could not help. A name that it does not know it does not guess,
# either:

# %%
for name in ("Lama 2", "Llama 3.2", "Claude"):
    try:
        scenario(name)
    except ValueError as error:
        print(error)

# %% [markdown]
# ## 5. What breaks a plan?
#
# We take every plan of our collection that is allowed, whatever the model, and change *one* thing: its users, its
# use, what becomes of its answers, what it sends out, its home. **Predict first.** Which breaks most plans, which the
# fewest?

# %%
from llama_course import plots
from llama_course.policy.deciding import what_breaks

broken = what_breaks(row.plan for row in told.values())
for word, row in (("most", broken[0]), ("fewest", broken[-1])):
    print(f"Breaks the {word}, {row.broken} of {row.of}: “{row.change}”.")
plots.bars([row.change for row in broken], [100 * row.share for row in broken], value_format="{:.0f}",
           title=f"What breaks {broken[0].of} allowed plans", xlabel="% no longer simply allowed")  # fmt: skip

# %% [markdown]
# These licences care nothing for how large you become, and much for what you do and what you send out. The dull duty,
# a file that goes along, stands in the free licences, too.
#
# ## 6. The same plan, five Llamas
#
# Meta changed its licence with the model. Three plans, each put to five of them. **Predict first.** Did it get
# stricter or freer?

# %%
from llama_course.policy.licences import terms

versions = ["Llama 2", "Llama 3", "Llama 3.1", "Llama 3.2 vision", "Llama 4"]
facts = dict(who="company", region="elsewhere", users=20_000, business=True, field="ordinary",
             outputs_for="nothing", passes_on="nothing")  # fmt: skip
plans = {
    "a firm in the EU runs it": {"region": "EU"},
    "its answers train another language model": {"outputs_for": "another language model"},
    "the safety tuning is taken out": {"field": "removing the safety tuning"},
}
rows = [(what, *(may_i(scenario(name, **facts | other)).verdict for name in versions)) for what, other in plans.items()]
table([*rows, ("released", *(terms(name.removesuffix(" vision")).released for name in versions))], ["", *versions])

# %% [markdown]
# Both. Outputs were set free, and the European Union was shut out of the models that see pictures. To take the safety
# tuning out became a breach of its own. *The* Llama licence does not exist: ask which, and of what day.

# %%
for name in ("l31-outputs-name", "l32-eu-end-user", "l32-university"):
    print(f"{told[name].story}\n{may_i(told[name].plan)}\n")

# %% [markdown]
# Union, not Europe; individual or company, not everybody. Where the words end, `may_i` says *unclear*. That is the
# moment for a lawyer.
#
# ## 7. The same weights, other licences
#
# Suppose that Llama 2 had come under RAIL, the *responsible AI licence* of BLOOM; under Apache-2.0, with or without
# the one sentence that gpt-oss adds; under MIT. **Predict first.** RAIL was written by researchers. Does it allow
# more than Meta's, or less?

# %%
five = ["Llama 2", "RAIL", "Apache-2.0 with a policy", "Apache-2.0", "MIT"]
names = ("army", "clinic", "adverts", "loan-machine", "essay-as-own", "teach-other", "giant", "spam", "shop-chat")
rows = [(told[name].story, *(may_i(told[name].plan, under=licence).verdict for licence in five)) for name in names]
for name in ("rail-medical", "rail-machine", "rail-justice"):
    print(f"RAIL forbids: {clause(name).plain} “{clause(name).quote}” ({clause(name).source.section})")
for licence in five:
    verdicts = [may_i(row.plan, under=licence).verdict for row in with_llama_2]
    print(f"{licence:24} of {len(verdicts)} plans: " + ", ".join(f"{verdicts.count(v)} {v}" for v in VERDICTS))
table(rows, ["", *five], "Some of them")

# %% [markdown]
# RAIL counts no users and says nothing of armies. It forbids a doctor's advice, which Meta's policy allows, and an
# unlabelled advertisement, which Meta's leaves open. *Responsible* is a choice of fields, and each list has its own.
# Apache-2.0 and MIT choose none. What Apache-2.0 forbids here are fine-tunes without the files that must go along, and
# what stays open is a plan that leaves a fact out or contradicts itself. For the rest the law alone says no.
#
# ## 8. So is it open source?
#
# The Open Source Initiative (OSI) keeps the definition. **Predict first.** It has ten criteria. How many does Llama
# 2's licence meet?

# %%
from llama_course.policy.openness import criteria, figure, parts, statement

ten = criteria()
for verdict in ("met", "partly", "fails"):
    print(f"{verdict}: {sum(row.verdict == verdict for row in ten)}")
print("Judged by OSI itself:", ", ".join(f"{row.number} {row.verdict}" for row in ten if row.by == "OSI"))
table([(row.number, row.name, row.asks, row.verdict, row.why, row.by) for row in ten],
      ["", "criterion", "asks that", "Llama 2", "because", "judged by"])  # fmt: skip

# %% [markdown]
# One failure would do, and OSI named two. The others are our reading; argue with them. OSI made a newer definition
# for AI, since a model is more than its program:

# %%
row, reviewers = statement("review-fell"), figure("meta-reviewers")
print(f"OSI's review of 2024: Llama 2 “{row.quote}”; BLOOM and Falcon “{statement('review-pass').quote}”.")
print(f"Who looked? {reviewers.value} {reviewers.unit} {reviewers.plain} ({reviewers.source.document.name}).")
table([(row.kind, row.id, row.asks, row.verdict, row.why) for row in parts()],
      ["", "", "asks", "Llama 2", "because"], "Open Source AI Definition, as this course reads it")  # fmt: skip

# %% [markdown]
# ## 9. Open in which way?
#
# One word for so many models hides what differs. Give Llama 2 its seven marks, then compare.

# %%
from llama_course.policy.openness import DIMENSIONS, compare, corners, models, openness

for name, question in DIMENSIONS.items():
    print(f"{name:17} {question}")
marks = dict.fromkeys(DIMENSIONS, "yes") | {"training code": "no"}  # change this: yes, partly or no
verdict = compare(marks, "Llama 2")
print(f"\n{verdict}")
for name in verdict.differ:
    print(f"- {name}: yours {marks[name]}, the table {openness('Llama 2').marks[name]}")

# %%
rows = [(row.id, row.licence, *row.marks.values(), row.note) for row in models().values()]
table(rows, ["model", "licence", *DIMENSIONS, "in short"], f"{len(rows)} models")

# %% [markdown]
# **Predict first.** A free licence, business and every purpose, is one thing; text that one can read is another. Do
# they go together?

# %%
rows = [
    ("free licence" if free else "restricted licence", *(", ".join(corners()[free, data]) for data in (True, False)))
    for free in (True, False)
]
table(rows, ["", "text named, and to be had at least in part", "not named, named in part, or not to be had"])

# %% [markdown]
# All four corners are inhabited. Who says only *open* has not yet said anything.
#
# ## 10. How a word spreads
#
# **Predict first.** How often does Llama 2's licence call itself open source? And its model card?

# %%
from llama_course.policy.claims import articles
from llama_course.policy.openness import mentions

for row in articles().values():
    print(f"{row.id}: {row.title}")
counted = mentions()
plots.bars([row.what for row in counted], [1000 * row.counts["times"] / row.counts["words"] for row in counted],
           title="“Open source”, in a thousand words", xlabel="times")  # fmt: skip

# %%
for row in counted:
    print(f"{row.what:22} {row.counts['times']:2} times{': of ' + row.meaning if row.meaning else ''}")
print(f"\nThe card: “{statement('card-others').quote}”. Of itself: “{statement('card-licence').quote}”.")

# %% [markdown]
# The one time that the card says it, it means the *others*, whom Llama 2 beats. Licence, policy and FAQ do without
# the word. Where does it come from, then?

# %%
for name in ("A2.12", "A4.10"):
    print(f"{name}: “{claim(name).quote}”")
chain = ("post", "call", "osi-conditions", "faq-permissive", "no-single", "fsf", "still", "spark")
table([(statement(name).source.document.date, statement(name).source.document.name, f"“{statement(name).quote}”",
        statement(name).source.how_sure) for name in chain], ["when", "who", "words", "how sure we are"])  # fmt: skip

# %% [markdown]
# Zuckerberg said it on the day of the release, and all five articles wrote it down; two of them, A2 and A4, added a
# doubt. A word that costs nothing in a headline is worth a lot in a law: lesson 13 shows what hangs on it.
#
# ## May I ship this?
#
# Find the licence and its date. Write down your facts. Look for the clause that decides, not for the one that is
# famous. And where the words stop, ask.

# %%
quiz("09")

# %% [markdown]
# ## What you can now explain
#
# - which clauses of Llama 2's licence decide everyday plans, and which of them no article told
# - why the date, the affiliates and all products matter in section 2, and growing later does not
# - how the licences of later Llamas differ, and how Apache-2.0, MIT and RAIL do
# - why Llama 2 is not open source by either definition, and who says so
# - why a free licence and open data are two things
#
# **Exercises.** [Exercises 09](../exercises/09_licensing.ipynb)
#
# **Sources.** Llama 2's [licence](https://github.com/facebookresearch/llama/blob/main/LICENSE) and [use
# policy](https://github.com/facebookresearch/llama/blob/main/USE_POLICY.md); those of [later
# Llamas](https://github.com/meta-llama/llama-models); [Apache-2.0](https://www.apache.org/licenses/LICENSE-2.0),
# [MIT](https://opensource.org/license/mit), [RAIL](https://huggingface.co/spaces/bigscience/license); OSI on [Llama
# 2](https://blog.opensource.org/metas-llama-2-license-is-not-open-source/), its
# [definition](https://opensource.org/osd) and the [one for AI](https://opensource.org/ai/open-source-ai-definition);
# [Opening up ChatGPT](https://github.com/opening-up-chatgpt/opening-up-chatgpt.github.io), judgements CC BY. Clauses,
# licences, models and plans are rows of `utils/llama_course/data/policy/`, each with its place. The plans are made
# up.
