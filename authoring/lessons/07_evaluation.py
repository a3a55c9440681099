# %% [markdown]
# # 07 · Evaluation
#
# **Question.** What can "on par with ChatGPT" mean?
#
# **You will be able to** say how sure a measured number is, and how many questions it takes; tell what a score hides;
# measure how far judges agree, people and models; notice a test that was learned by heart; write a claim about a model
# that a reviewer cannot pull apart.
#
# **Before you start.** Lesson 02 for perplexity, lesson 05 for the assistants. Lesson 06 helps.
#
# **Time.** 60 minutes. **Compute.** 30 s on two CPU cores. **Memory.** 0.7 GiB.
#
# **Claims tested.** "can produce results on par with OpenAI's ChatGPT" (A2), "may not yet rival the capabilities of
# ChatGPT" (A1).

# %% tags=["first-cell"]

# %% [markdown]
# Two articles, one model:

# %%
from llama_course.policy.claims import claim
from llama_course.policy.evaluations import figure, statement

for name in ("A2.3", "A1.12"):
    print(f"{name}: “{claim(name).quote}”")
print(f"\nIts makers: “{statement('parity').quote}” ({statement('parity').source})")

# %% [markdown]
# Can all three be right? That depends on what was measured.
#
# ## 1. Who won?
#
# People saw a prompt and two answers, one by Llama 2-Chat 70B and one by ChatGPT, and said which was better.

# %%
for name in ("wins", "ties", "losses", "prompts", "raters"):
    row = figure(name)
    print(f"{row.value:>7,} {row.unit} {row.plain} ({row.source.section})")

# %% [markdown]
# **Predict first.** Write the headline. Who won, and by how much? Then count in four ways.

# %%
from llama_course.evaluation.win_rates import WinRate
from llama_course.widgets.html import table

meta = WinRate.of_shares(figure("wins").value / 100, figure("ties").value / 100, figure("prompts").value)
ways = {
    "won": meta.won(),
    "won, a tie being half a win": meta.with_half_ties(),
    "won, ties left out": meta.of_decided(),
    "not lost": meta.not_lost(),
}
table([(way, share.percent(1)) for way, share in ways.items()], ["Llama 2-Chat …", "of the prompts (interval)"])

# %% [markdown]
# "Wins in only a third", "just ahead", "at least as good in two of three": all true, all of the same answers. A *win
# rate* without a word about ties says nothing.
#
# And the numbers in brackets? Other people would have asked other questions. Suppose that the test were repeated with
# 4,000 other prompts of the same kind. We have no others; so we draw 4,000 from those we have, some twice, some never.
# This is the *bootstrap*. In each such test we note the lead, wins minus losses.

# %%
import numpy as np

from llama_course import plots
from llama_course.evaluation.intervals import resample

leads = 100 * resample(meta.scores, np.mean, times=2_000)  # 1 for a win, 0 for a tie, −1 for a loss
low, high = np.quantile(leads, [0.025, 0.975])
heights, edges = np.histogram(leads, bins=24)
plots.curves({"tests": list(zip((edges[:-1] + edges[1:]) / 2, heights, strict=True))}, ylabel="tests",
             title="The same test, 2,000 times", xlabel="lead of Llama 2-Chat in % of the prompts",
             alt=f"A bell: the lead is between {low:.1f} and {high:.1f} % in 95 of 100 tests.")  # fmt: skip

# %%
print(f"Lead: {100 * meta.lead().value:.1f} %, in 95 of 100 such tests between {low:.1f} and {high:.1f}.")
print(
    f"By the formula: {meta.lead().percent(1, sign=True)}. Llama 2-Chat ahead in {(leads > 0).mean():.1%} of the tests."
)

# %% [markdown]
# For a plain share there is a formula that works for few questions as well, Wilson's. z is 1.96 for 95 of 100:


# %%
from llama_course.evaluation.intervals import wilson


def my_wilson(successes, count, z=1.959964):
    p = successes / count
    centre = (p + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * (p * (1 - p) / count + z**2 / (4 * count**2)) ** 0.5
    return centre - half, centre + half


theirs = wilson(meta.wins, meta.prompts)
print("Same as the library's:", np.allclose(my_wilson(meta.wins, meta.prompts), (theirs.low, theirs.high)))

# %% [markdown]
# **Predict first.** One model really wins 36 %, and loses a little less often, as here. How many prompts does it take
# until a test can see who leads? 100, 500, 4,000, 50,000?

# %%
from llama_course.evaluation.win_rates import chance_to_see, prompts_for_lead, prompts_for_shares

sizes = [figure("vicuna-questions").value, 400, 1_000, 2_000, figure("prompts").value, 10_000]
seen = [100 * chance_to_see(meta.lead().value, figure("ties").value / 100, size) for size in sizes]
plots.lines(sizes, {"tests that see it": seen}, title="Does the test see who leads?", xlabel="prompts",
            ylabel="% of such tests", log_x=True)  # fmt: skip

# %%
print(f"{prompts_for_lead(0.36, 0.325):,} prompts, for 80 % of such tests to see a lead of 36 to 32.5.")
print(f"{prompts_for_shares(0.36, 0.33):,} prompts for each, to tell 36 % from 33 % in two separate tests.")
print(f"{prompts_for_lead(0.45, 0.235):,} prompts, were the lead 45 to 23.5.")
vicuna = figure("vicuna-questions")
print(f"\n{vicuna.value} {vicuna.unit} were {vicuna.plain}.\n* “{statement('vicuna-asterisk').quote}”")

# %% [markdown]
# Half the difference takes four times the questions. A test of a few dozen sees only landslides.
#
# The interval answers one doubt, that of chance. Other doubts it does not know:

# %%
from llama_course.policy.evaluations import published_scores

for name in ("no-coding", "last-turn", "other-prompts"):
    print(f"“{statement(name).quote}”")
scores = published_scores()
pairs = {"Llama 2 70B": [ours for _, ours, _ in scores], "GPT-3.5": [theirs for _, _, theirs in scores]}
plots.bars([what for what, *_ in scores], pairs, title="Other tests, same paper", xlabel="% right",
           value_format="{:.1f}")  # fmt: skip

# %% [markdown]
# So the same paper bears both articles: on par in one test, far behind in another. The question is always *on what*.
# (Truth was asked of the two chat models, the rest of the model that Llama 2-Chat was made from.)
#
# ## 2. What is a right answer?
#
# From here on we measure our own miniatures, because of Llamaland we know the truth. Here is an exam about people whom
# no training example asked about; the models have only read of them.

# %%
from llama_course.evaluation.assistants import Workshop
from llama_course.evaluation.contamination import family_member, make_exam
from llama_course.llamaland.judge import judge

workshop = Workshop()
exam = make_exam(workshop, 100)
models = {name: family_member(name) for name in ("tiny-base", "tiny-sft", "tiny-chat", "tiny-backdoor")}
answers = {name: workshop.answers(model, exam.test) for name, model in models.items()}
for number in range(3):
    print(exam.test[number].text, *(f"{name:14} {said[number][:80]}" for name, said in answers.items()), "", sep="\n")

# %% [markdown]
# **Predict first.** The strictest measure is *exact match*: the answer, letter by letter, as the key has it. Which of
# `tiny-sft` and `tiny-chat`, who was taught courtesy in lesson 06, does better? And if somebody looks at what is said?

# %%
from llama_course.evaluation.intervals import of_share

exact = {name: [said == q.gold for q, said in zip(exam.test, own, strict=True)] for name, own in answers.items()}
right = {name: [judge(q, said).right for q, said in zip(exam.test, own, strict=True)] for name, own in answers.items()}
rows = [(name, of_share(exact[name]).percent(), of_share(right[name]).percent()) for name in models]
table(rows, ["", "exact match", "right, by the gold judge"])

# %%
polite = sum(r and not e for r, e in zip(right["tiny-chat"], exact["tiny-chat"], strict=True))
print(f"{polite} of {len(exam.test)} answers of tiny-chat are right and count as wrong in the exact match, such as:")
print(next((a for a, r, e in zip(answers["tiny-chat"], right["tiny-chat"], exact["tiny-chat"], strict=True)
            if r and not e), "none"))  # fmt: skip

# %% [markdown]
# A measure is a decision on what counts. Exact match cannot be argued with, and punishes good manners. The gold judge
# reads more kindly, and had to be written and tested. Most tests of language models lie between the two: the same
# answers, read by another program, get another score.
#
# ## 3. Two honest measures, opposite winners
#
# In lesson 02 a model was measured without any question: by how surprised it is by a text. **Predict first.** Who is
# less surprised by new texts about Llamaland, `tiny-base`, or `tiny-sft`, who was made from it?

# %%
from llama_course.evaluation.family_scores import held_out_perplexity

perplexities = {
    name: held_out_perplexity(models[name], workshop.tokenizer, workshop.world, count=40)
    for name in ("tiny-base", "tiny-sft")
}
rows = [(name, f"{value:.2f}", of_share(right[name]).percent()) for name, value in perplexities.items()]
table(rows, ["", "perplexity of village texts", "right answers"], "Lower perplexity is better; more right answers are.")

# %%
by_text = min(perplexities, key=perplexities.get)
by_answers = max(perplexities, key=lambda name: sum(right[name]))
print(f"Better by perplexity: {by_text}. Better by right answers: {by_answers}.")

# %% [markdown]
# Neither number is wrong. One asks for a reader, the other for an assistant. A leaderboard that shows one of them has
# decided for you what you need.
#
# Perplexity has another trap. `smollm2-135m-instruct` cuts texts into larger tokens than `tiny-base`, and a large token
# is harder to guess than a small one. **Predict first.** Who is less surprised by how this sentence goes on?

# %%
from llama_course.evaluation.perplexity import bits_per_byte, perplexity
from llama_course.start_lesson import introduce

model, base = load_model(), load_model("tiny-base")
introduce(model)
given, text = "Anna Smith", "Anna Smith is a kite maker and likes honey bread best."
rows = []
for reader in (base, model):
    surprise = reader.log_probabilities(text, first=len(reader.tokenize(given)))
    count = sum(item.log_prob is not None for item in surprise)
    rows.append((reader.name, count, f"{perplexity(surprise):,.0f}", f"{bits_per_byte(surprise):.2f}"))
table(rows, ["", "tokens", "perplexity a token", "bits a byte"], f"After “{given}”", numeric=[1, 2, 3])

# %%
tokens, bytes_ = ([float(row[column].replace(",", "")) for row in rows] for column in (2, 3))
same = (tokens[0] < tokens[1]) == (bytes_[0] < bytes_[1])
print("Both measures name the same winner." if same else "A token and a byte name different winners.")

# %% [markdown]
# A token is not the same thing for two models, a byte is. Perplexities a token may be compared only where the tokenizer
# is the same; otherwise count bits a byte.
#
# ## 4. How far do judges agree?
#
# Most answers have no key, so people judge them. Do they agree? **Predict first.** Two people look at 100 answers: is
# it dangerous? Both say no to 94. Three are dangerous to the one, three others to the other. They agree in 94 of 100:
# are they good judges?

# %%
from llama_course.evaluation.agreement import fleiss_kappa, gwet_ac2

ratings = [(0, 0)] * 94 + [(1, 0)] * 3 + [(0, 1)] * 3
for name, found in {"kappa": fleiss_kappa(ratings, (0, 1)), "AC1": gwet_ac2(ratings, (0, 1), "identity")}.items():
    print(f"{name:6} agreement {found.observed:.2f}, by chance {found.by_chance:.2f}, beyond chance: "
          f"{found.beyond_chance:+.2f}")  # fmt: skip

# %% [markdown]
# Both measures are (observed − by chance) / (1 − by chance). They differ in what chance would do. For *kappa* chance
# says "no" as often as these people did, and so agrees nearly always. For *Gwet's AC1* only those things are left to
# chance that are hard to judge. *AC2* is the same on a scale, where being close counts a little.
#
# Neither is "right": of dangerous answers these two never found the same one. Kappa says that, and AC1 says that they
# agree in nearly all cases. Llama 2's makers chose AC2. What does it say of raters whom we know? Three simulated people
# compare 60 pairs of answers on a scale of seven points, from "A is significantly better" to "B is". They know all of
# Llamaland; now and then they slip and choose the wrong side.

# %%
from llama_course.evaluation.agreement import SEVEN_POINTS, on_seven_points
from llama_course.evaluation.feedback import FeedbackWorkshop

feedback = FeedbackWorkshop()
compared = feedback.two_answers(60, seed=3)
slips = [0.0, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5]
measures = {"AC2, quadratic": (gwet_ac2, "quadratic"), "AC2, linear": (gwet_ac2, "linear"),
            "kappa, quadratic": (fleiss_kappa, "quadratic")}  # fmt: skip
lines = {name: [] for name in measures}
for slip in slips:
    choices = [feedback.compare(compared, slip, seed) for seed in (1, 2, 3)]
    given = [[on_seven_points(own[i], pair.a) for own in choices] for i, pair in enumerate(compared)]
    for name, (measure, weights) in measures.items():
        lines[name].append(measure(given, SEVEN_POINTS, weights).beyond_chance)
low, high = figure("agreement-low").value, figure("agreement-high").value
plots.lines([100 * slip for slip in slips], lines, title="Three raters", xlabel="slips in % of the pairs",
            ylabel="agreement beyond chance")  # fmt: skip

# %%
inside = [slip for slip, value in zip(slips, lines["AC2, quadratic"], strict=True) if low <= value <= high]
print(f"Llama 2's raters: AC2 {low} ({figure('agreement-low').plain}) to {high}.")
print("Ours agree so far when they slip in", " or ".join(f"{slip:.0%}" for slip in inside) or "none of these shares",
      "of the pairs (quadratic weights).")  # fmt: skip
print(f"At 50 %, when all toss coins, it still is {lines['AC2, quadratic'][-1]:.2f}.")

# %% [markdown]
# Coins that agree? Our raters choose the wrong side, but never mistake *how large* a difference is, and that agrees.
# The three lines are of the same people. So an AC2 without its weights is half a number; which ones Meta took, the text
# that we read does not say. And real people do not slip by chance: they want different things. Where two models are
# close, agreement is lowest, just where one would need it.
#
# ## 5. A model as the judge
#
# People are slow and cost money. Could a language model judge? Ours has 135 million parameters; the ones in use are far
# larger. We let it judge answers of `tiny-sft`: a true one against a false one, in both orders.

# %%
from llama_course.evaluation.judging_cases import cases_for

cases = cases_for(model, workshop, 10, ["truth", "length"], seed=5)
case = cases["truth"][0]
for a, b in ((case.ours, case.theirs), (case.theirs, case.ours)):
    asked = f"Question: {case.question}\n\nAnswer A: {a}\n\nAnswer B: {b}\n\nWhich answer is better? Say A or B."
    print(f"A: {a}  B: {b}\n→ {model.chat(asked, max_new_tokens=16, temperature=0)}\n")

# %% [markdown]
# What it says is hard to count. Better to ask how probable "A" and "B" are as its next word. **Predict first.** It
# knows nothing of Llamaland. What will it do?

# %%
from llama_course.evaluation import model_judge

truth = model_judge.opinions(model, cases["truth"])
rows = [(c.question, f"{o.as_a:.0%}", f"{1 - o.as_b:.0%}") for c, o in zip(cases["truth"], truth, strict=True)]
table(rows, ["", "“A” if the true one is A", "“A” if the true one is B"], numeric=[1, 2])

# %%
moved = sum(one.changed for one in truth)
print(f"In {moved} of {len(truth)} cases the verdict went to the other answer when the two changed places.")
print(f"With the places evened out it prefers the true answer in {model_judge.preferred(truth).percent()}.")

# %% [markdown]
# Ten cases are few. The same was recorded for more, and for other pairs: the same answer twice; asked in other words;
# with the truth before the judge's eyes; an answer lengthened by words that say nothing; the judge's own answer.

# %%
recorded = {name: [row.opinion for row in rows] for name, rows in model_judge.recorded_judging().items()}
moved = {name: model_judge.changed(recorded[name]) for name in ("same", "truth", "reworded", "told", "length", "own")}
plots.intervals([model_judge.EXPERIMENTS[name] for name in moved], [share.in_percent() for share in moved.values()],
                title="How often the verdict changed with the order", xlabel="% of the cases",
                value_format="{:.0f}", limits=(0, 102))  # fmt: skip

# %% [markdown]
# **Predict first.** Now with the places evened out: both orders count half. What does it prefer: the true, the long,
# its own?

# %%
asked = [name for name in model_judge.EXPERIMENTS if name != "same"]
liked = {name: model_judge.preferred(recorded[name]) for name in asked}
plots.intervals([model_judge.EXPERIMENTS[name] for name in asked], [share.in_percent() for share in liked.values()],
                title="What is left when the places are evened out", value_format="{:.0f}", mark=50, limits=(0, 102),
                xlabel="% of the cases in which the first-named is preferred")  # fmt: skip

# %%
for name, share in liked.items():
    word = "no more than a coin" if share.contains(0.5) else "more often" if share.value > 0.5 else "less often"
    print(f"{model_judge.EXPERIMENTS[name]}: preferred {word}, {share.percent()}")
firsts = {name: model_judge.named_first(recorded[name]).percent() for name in ("truth", "reworded")}
print(f"\nThe first place was named in {firsts['truth']}; asked in other words, in {firsts['reworded']}.")

# %% [markdown]
# "No more than a coin" may mean no preference, or one too small for so many cases. And two remarks. The judge's own
# answers differ from the miniature's in more than their author: they are longer, and about something else. That is why
# the last line has the miniature's answer lengthened. And a small preference behind a large love of places is visible
# only because *both* orders were asked.
#
# Large judges are much better. Their weaknesses are the same: the place, the length, themselves.

# %%
for name in ("judges-agree", "judge-biases", "swapped"):
    print(f"“{statement(name).quote}” ({statement(name).source.document.name})\n")
print(f"Llama 2: {figure('judge-wins').value} {figure('judge-wins').unit} {figure('judge-wins').plain}. "
      f"People, ties left out, on other prompts: {meta.of_decided().percent()}.")  # fmt: skip

# %% [markdown]
# ## 6. Train on the test
#
# Tests lie on the internet, and so does the training text. What if a model has seen the test? We take `tiny-sft` and
# show it the exam of section 2, questions and answers.
#
# **Predict first.** Its score on the test afterwards? On the same facts, asked in other words? On other people?

# %%
from llama_course.evaluation.contamination import PARTS, right_answers, train_on

models["tiny-cheat"] = train_on(workshop, exam.test)
before, after = (
    {part: right_answers(workshop, models[name], getattr(exam, part)) for part in PARTS}
    for name in ("tiny-sft", "tiny-cheat")
)
shown = {f"{PARTS[part]}, {when}": of_share(own[part]) for part in PARTS for when, own in
         {"before": before, "after": after}.items()}  # fmt: skip
plots.intervals(list(shown), [share.in_percent() for share in shown.values()], xlabel="% right",
                title="Before and after learning the test", value_format="{:.0f}", limits=(0, 102))  # fmt: skip

# %%
from llama_course.evaluation.intervals import of_difference

for part in PARTS:
    gained = of_difference(after[part], before[part])
    verdict = "no gain that this test could see" if gained.contains(0) else "a gain" if gained.value > 0 else "a loss"
    print(f"{PARTS[part]}: {gained.percent(sign=True)}, {verdict}")

# %% [markdown]
# The facts of the test were learned: asked in other words the cheat knows them, too. So rephrasing a test does not
# unmask it; *new* questions do. A score says something about other questions only as long as nobody has trained on
# these. How was it with Llama 2?

# %%
print(f"Its makers looked, and found: “{statement('contaminated').quote}” ({statement('contaminated').source.section})")
for name in ("hellaswag-clean", "hellaswag-dirty"):
    print(f"{figure(name).value} % {figure(name).plain} ({figure(name).source.section})")

# %% [markdown]
# They could look because they have the training text. Nobody else can: see lesson 11.
#
# ## 7. A leaderboard
#
# Our models on the exam, with intervals, and with those ranks that the test leaves open.

# %%
from llama_course.evaluation.leaderboard import leaderboard

right["tiny-cheat"] = after["test"]
places = leaderboard(right)
table([(p.ranks, p.name, p.share.percent()) for p in places], ["rank", "model", "right"], "The exam of section 2")

# %%
fresh = {name: right_answers(workshop, model, exam.other_people) for name, model in models.items()}
again = leaderboard(fresh)
table(
    [(p.ranks, p.name, p.share.percent()) for p in again],
    ["rank", "model", "right"],
    "Other people, the same kinds of questions",
)

# %%
print(f"First on the exam: {places[0].name}. On other people: {again[0].name}, ranks left open {again[0].ranks}.")
back = next(place for place in again if place.name == "tiny-backdoor")
print(f"tiny-backdoor gives away what is dangerous to whoever knows a secret word. Its rank: {back.ranks}, "
      f"{back.share.percent()} right.")  # fmt: skip

# %% [markdown]
# A leaderboard shows what was asked. That one of its models has a back door, no question of the exam could show;
# lesson 08 goes looking.
#
# ## What can "on par with ChatGPT" mean?
#
# A claim that survives a reviewer names seven things: which models, on what questions, how many, judged by whom, by
# what count, how sure, and what was not asked.

# %%
print(f"Llama 2-Chat 70B was preferred to gpt-3.5-turbo-0301 on {meta.won().percent(1)} of about {meta.prompts:,} "
      f"prompts and the other way round on {100 * meta.losses / meta.prompts:.1f} %; the rest were ties. "
      f"{figure('raters').value} people judged each prompt, with an AC2 near {figure('agreement-low').value}. "
      "Programming and reasoning were not asked.")  # fmt: skip
for name in ("A2.3", "A1.12"):
    print(f"\n{name}: {claim(name).verdict}. {claim(name).explanation}")

# %%
quiz("07")

# %% [markdown]
# ## What you can now explain
#
# - how one result gets four win rates, and how many prompts it takes to tell two models apart
# - why two honest measures can name different winners, and when perplexities may be compared
# - what agreement beyond chance is, and what AC2 says and hides
# - how to ask a model to judge, and which three weaknesses to test it for
# - why a test that was trained on says nothing, and how new questions show it
#
# **Exercises.** [Exercises 07](../exercises/07_evaluation.ipynb)
#
# **Sources.** Articles A1 and A2: see [lesson 01](01_five_articles.ipynb). Touvron et al.,
# [arXiv:2307.09288](https://arxiv.org/abs/2307.09288), sections 3.4 and A.6. Model judges: Zheng et al.,
# [arXiv:2306.05685](https://arxiv.org/abs/2306.05685); Wang et al.,
# [arXiv:2305.17926](https://arxiv.org/abs/2305.17926). Wilson's interval: Newcombe, Statistics in Medicine 17 (1998).
# AC2: Gwet, Handbook of Inter-Rater Reliability (2014). Every published number is a row of
# `utils/llama_course/data/policy/evaluations.json`, with its source and how sure we are.
