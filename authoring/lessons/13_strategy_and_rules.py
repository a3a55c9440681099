# %% [markdown]
# # 13 · Strategy and rules
#
# **Question.** Who gains, who decides?
#
# **You will be able to** say when giving a model away pays and for whom, and where that sum breaks; work out from
# which use on a card of your own beats an API; compute on which side of the EU's lines a model lies, and what follows;
# score a prediction, or show that nobody can; hold a position, and tell the strongest argument against it.
#
# **Before you start.** Lesson 04 (what training costs) and lesson 09 (the licence) help; the last section uses what
# lessons 08, 10 and 11 measured.
#
# **Time.** 60 minutes. **Compute.** 2 s on two CPU cores. **Memory.** 0.2 GiB.
#
# **Claims tested.** Llama 2 is like Android (A2, A3), like React and PyTorch (A1); Google may follow (A1); rules "could
# prove tough to enforce" (A4); and other predictions of all five.

# %% tags=["first-cell"]

# %% [markdown]
# Why does a firm spend millions on something and give it away? Four answers, and a sentence of its chief:

# %%
from llama_course.policy.claims import claim
from llama_course.policy.strategy import statement

for name in ("A2.10", "A3.6", "A1.10", "A1.9"):
    print(f"{name}: “{claim(name).quote}” → {claim(name).verdict.name}")
row = statement("not-our-business")
print(f"Zuckerberg: “{row.quote}” ({row.source.document.date}; {row.source.how_sure})")

# %% [markdown]
# ## 1. Make the complement cheap
#
# A *complement* is used together with what one sells: petrol with cars, a language model with a feed full of
# advertising. The old rule:

# %%
print(f"“{statement('spolsky').quote}.” ({statement('spolsky').source.document.name})")

# %% [markdown]
# Cheap complements sell more of the product. Let us write that down, for three made-up firms: Plaza earns from
# advertising, Forge sells answers of its model, Wharf rents out computers. `price` is what others charge for one use of
# the complement, `adoption` the share of uses that go to the free one. Money is counted in units a year.


# %%
def my_gain(firm, price, adoption, cost):
    cheaper = adoption * max(0, price - 1)  # for the average use; running it costs 1 in any case
    gains = firm.pull * cheaper + firm.help * adoption  # sells more of its own; outsiders improve it
    losses = firm.rivals * adoption + firm.share * 10 * cheaper  # rivals have it too; sales forgone, of 10 uses
    return gains - losses - cost


# %%
from math import isclose

from llama_course.policy.complement import EARNINGS, FIRMS, release

print(f"Each earns {EARNINGS:.0f} units a year with its main product. What giving the complement away adds:")
for firm in FIRMS.values():
    mine, theirs = my_gain(firm, 5, 0.6, 4), release(firm, price=5, adoption=0.6, cost=4).total
    print(f"{firm.name}, {firm.earns_from}: {mine:+.1f} units. Same as the library's: {isclose(mine, theirs)}")

# %% [markdown]
# So it pays for one and costs another dearly. **Predict first.** Others now sell the complement for half of that,
# because everybody gives models away. Does it pay *more* for Plaza to do so, too, or less?

# %%
from llama_course.widgets.release_sliders import ReleaseSliders

for price in (5, 2.5, 1.5):
    print(f"price of the others {price}: {release(FIRMS['Plaza'], price, 0.6, 4).total:+.1f} for Plaza")
ReleaseSliders("Plaza", price=5, adoption=0.6, cost=4)

# %% [markdown]
# Less, and in the end it only costs. Giving away makes a dear complement cheap; where it is cheap already, there is
# little to gain. The sum can go either way: find a setting in which Forge gains. And read the last table: who gains
# most of Plaza's gift?

# %%
from llama_course.policy.complement import ASSUMPTIONS, who_gains
from llama_course.widgets.html import table

gains = who_gains(FIRMS["Plaza"], 5, 0.6, 4)
print(f"Plaza pays for it and gains {gains['Plaza']:+.1f}; Wharf pays nothing and gains {gains['Wharf']:+.1f}; "
      f"users {gains['users']:+.1f}; Forge {gains['Forge']:+.1f}.")  # fmt: skip
table(ASSUMPTIONS, ["what the model takes for granted", "where it breaks"])

# %% [markdown]
# All numbers are invented, and the fall with the price is built in: the model proves nothing about Meta. It says what
# one would have to know.
#
# ## 2. Android, React, PyTorch
#
# The articles say: it worked before. **Predict first.** In which of the three could users make the owner drop a clause
# of the licence?

# %%
from llama_course.policy.strategy import cases, figure

rows = [(case.name, case.licence, case.decides, case.leave, case.breaks) for case in cases().values()]
table(rows, ["", "licence", "who decides", "who disagrees can", "where the comparison breaks"])

# %%
for name in ("react", "react-foundation"):
    print(f"React, {statement(name).source.document.date}: “{statement(name).quote}”")
for name in ("fine", "fine-upheld"):
    row = figure(name)
    print(f"Android, {row.source.document.date}: {row.value / 1e9:g} billion {row.unit} {row.plain}")

# %% [markdown]
# Meta has handed React and PyTorch to foundations; Llama it has kept. And code can be continued by whoever has it,
# while weights are made with text and computers that one does not get with them. So ask of every gift: *who decides
# about the next one?*
#
# ## 3. Free to download, and to run?
#
# An API is paid by the token, a card by the hour. These are dated prices; they will be wrong when you read this.

# %%
from llama_course.policy.prices import offers, rents
from llama_course.policy.running_costs import busy_share_needed, card_speed, million_from, own_hour, rented_hour

for row in offers().values():
    print(f"{row.when}  {row.model:16} {row.seller:12} {row.for_million():6.2f} dollars (a million read, one written)")
for row in rents().values():
    print(f"{row.when}     an {row.card}, {row.seller}: {row.low:.2f} to {row.high:.2f} dollars an hour")
print(f"An own {row.card}, price and electricity over three years: {own_hour():.2f} dollars an hour")
print(f"It writes {card_speed():,.0f} tokens a second with a Llama of 70 billion (a rule of thumb; "
      "an eighth of what eight cards wrote in a vendor's best run)")  # fmt: skip

# %% [markdown]
# **Predict first.** What share of the day must a rented card be at work, so that it is cheaper than the cheapest API
# for a model of the same size?

# %%
cheap, dear = offers()["llama-3.3-70b"].for_million(), offers()["gpt-4-turbo"].for_million()
hour, speed = rented_hour(), card_speed()
for name, price in {"Llama 3.3 70B": cheap, "gpt-4-turbo": dear}.items():
    best = busy_share_needed(hour.low, speed.high, price)
    worst = busy_share_needed(hour.high, speed.low, price)
    said = "never" if worst is None else f"{worst:.0%}"
    print(f"against the API of {name}: {best:.1%} with a cheap fast card, {said} with a dear slow one")

# %%
from llama_course import plots

shares = [0.02, 0.05, 0.1, 0.2, 0.5, 1.0]
costs = {f"{kind}, {end}": [(100 * share, getattr(million_from(price, share), side)) for share in shares]
         for kind, price in {"rented": rented_hour(), "own": own_hour()}.items()
         for end, side in {"best case": "low", "worst case": "high"}.items()}  # fmt: skip
for name, price in {"API, Llama 3.3 70B": cheap, "API, gpt-4-turbo (2024)": dear}.items():
    costs[name] = [(100 * share, price) for share in shares]
plots.curves(costs, title="A million tokens", xlabel="% of the time at work", ylabel="dollars", log_x=True, log_y=True)

# %% [markdown]
# The weights cost nothing, and yet the API is cheaper for whoever has little to ask: its owner shares one card among
# many. Somebody did the sum two days after Llama 2, for writing and for reading:

# %%
from llama_course.policy.prices import figure, statement

old, new = offers()["llama-2-70b"], offers()["llama-3.3-70b"]
for name in ("worse", "better"):
    print(f"“{statement(name).quote}” ({statement(name).source.document.date})")
print(f"Normal load of a tool inside a firm: {figure('normal-load').value} % ({figure('normal-load').source})")
print(f"{old.model}, {old.when}: {old.for_million():.2f} dollars; {new.model}, {new.when}: {new.for_million():.2f}. "
      f"{1 - new.for_million() / old.for_million():.0%} less.")  # fmt: skip

# %% [markdown]
# The complement has become cheap, whatever the reason: other cards, other programs, more sellers. Not counted: people,
# who may cost more than the card; secrets that must not leave the house; and that an API can be switched off.
#
# ## 4. A line to be counted
#
# The EU draws lines by operations, those of lesson 04: six for each parameter and token. **Predict first.** Which sizes
# of Llama 2 count as *general-purpose*? Which Llama is above the second line, where *systemic risk* is presumed?

# %%
from llama_course.policy.rules import computed_models, figure, level

for name in ("general-purpose", "systemic"):
    print(f"{figure(name).value:.0e} {figure(name).unit} {figure(name).plain} ({figure(name).source})")
flop = computed_models()
table([(name, f"{value:.1e}", level(value)) for name, value in flop.items()], ["", "operations", ""], numeric=[1])

# %%
below = [name for name in flop if name.startswith("Llama 2") and level(flop[name]) == "below the line"]
print(f"Below the line: {', '.join(below)}. To the second line {max(flop, key=flop.get)} has got, "
      f"Llama 2 70B would need {figure('systemic').value / flop['Llama 2 70B']:.0f} times as much.")  # fmt: skip
print(f"Llama 3 8B: {flop['Llama 3 8B'] / flop['Llama 2 70B']:.0%} of the operations of Llama 2 70B.")

# %% [markdown]
# A line can be counted, and that is its strength. It knows nothing of danger: lesson 10 opened a miniature. (The first
# line is a guide of the Commission, not law.) What follows on each side, and what does an open licence spare?

# %%
from llama_course.policy.rules import duties, duties_of, statement


def marks(name, open_licence):
    return {duty.id for duty in duties_of(flop[name], open_licence=open_licence)}


small, large = "Llama 2 13B", "Llama 3.1 405B"
columns = {"13B, open": marks(small, True), "13B, not open": marks(small, False), "405B, open": marks(large, True)}
table([(duty.plain, f"Art. {duty.article}", *("yes" if duty.id in found else "–" for found in columns.values()))
       for duty in duties().values()], ["duty", "", *columns])  # fmt: skip

# %% [markdown]
# An open licence spares papers. It does not spare copyright, nor the summary of the text, and above the second line
# nothing. **Predict first.** Is Llama 2's licence open in this sense? Which of the two is the obstacle: the use policy,
# or the gate for firms with many users?

# %%
for name in ("open-licence", "user-gate", "safety-terms"):
    print(f"{name}: “{statement(name).quote}” ({statement(name).source})")

# %% [markdown]
# Read them again: the gate is on the Commission's list of what disqualifies; terms for safety may pass, if they are
# proportionate. The Open Source Initiative objects to both (lesson 09). So "open" means two things, in two texts. (No
# legal advice: guidelines do not bind, and courts decide.)
#
# ## 5. Promises
#
# Three days after Llama 2 seven firms promised, voluntarily:

# %%
from llama_course.policy.rules import promises

for promise in promises().values():
    print(f"{promise.about:9} {promise.plain}")

# %% [markdown]
# **Predict first.** Did they cover Llama 2? Two phrases decide:

# %%
for name in ("frontier", "unreleased"):
    print(f"“{statement(name).quote}” ({statement(name).source.document.name})")
for name in ("kept", "kept-weights", "kept-nothing"):
    print(f"{figure(name).value:.0f} {figure(name).unit} {figure(name).plain} ({figure(name).source.document.date})")

# %% [markdown]
# Where a promise is about models, it is about models stronger than any then known: Llama 2, three days old, was none
# of them. And only unreleased weights were to be guarded. The scores count what firms tell of themselves, which may be
# less than what they do: a promise is worth its scope, and what lets others check it.
#
# ## 6. Who decided when
#
# **Predict first.** How many days after Llama 2 did the first duties for such models begin, and how many until somebody
# could fine their makers?

# %%
from llama_course.policy.timeline import days_between, event
from llama_course.widgets.timeline import TimelineView

for name in ("white-house", "act", "duties", "enforcement"):
    print(f"{days_between('llama-2', name):5,} days after Llama 2: {event(name).title} ({event(name).when})")
TimelineView()

# %% [markdown]
# Search it, choose a kind, walk with *Later*; below, the same unfolds as a table. Promises come in days, models in
# months, law in years. Rows marked as second-hand may be wrong, and all rows of 2026 are so marked.
#
# ## 7. They said in 2023
#
# The articles looked ahead. **Predict first.** How many of these sentences can be called true or false by now? Give
# each a probability that it came true, before you unfold the answers.

# %%
from llama_course.policy.predictions import brier_score, count_outcomes, decided, predictions
from llama_course.widgets.claim_views import folded

rows = [(row.id, f"“{row.quote}” ({row.article}, {row.speaker})", row.question,
         folded("what came of it", f"{row.outcome}: {row.because} ({row.source.how_sure})"))
        for row in predictions().values()]  # fmt: skip
table(rows, ["", "the words of 2023", "as a question", ""])

# %%
mine = dict.fromkeys(predictions(), 0.5) | {"google": 0.7, "not-wise": 0.2}  # change these
print(count_outcomes())
print(f"{len(decided())} of {len(rows)} can be scored. Your score: {brier_score(mine, decided()):.3f} "
      "(0 is best, a coin 0.25)")  # fmt: skip

# %% [markdown]
# Most cannot be scored: no date, no measure, or words such as "could" that nothing can refute. Even of the few, two are
# hedged like that, and it is our question that is scored, not their sentence. So few say little about anybody's
# foresight (lesson 07). One that can be scored names a day, a number and who counts it. The outcomes are our
# judgement: where would you decide otherwise?
#
# None of the articles says where Meta's own line might lead:

# %%
for name in ("llama-3.1", "deepseek", "careful", "muse"):
    row = event(name)
    print(f"{row.when}: {row.title}. {row.plain} ({row.source.how_sure})")

# %% [markdown]
# That fits section 1: the price of the others had fallen. It fits other stories, too: rivals who build on one's work,
# rising costs, a new head of research, fear of harm. One case that fits is no test.
#
# ## 8. Six seats at a table
#
# Now decide. Somebody has made a model; who may have it? First vote alone. Then take a seat that is *not* your own
# opinion.

# %%
from llama_course.policy.role_play import DECISION, LEVELS, ROLES

print(DECISION)
print("Vote for: " + "; ".join(LEVELS))
table([(role.name, role.wants, role.fears, role.must_answer, ", ".join(role.evidence)) for role in ROLES.values()],
      ["seat", "wants", "fears", "will be asked", "evidence"])  # fmt: skip

# %% [markdown]
# And this is what you may use: what this course measured, with what each finding leaves open.

# %%
from llama_course.policy.evidence import evidence

table([(one.id, one.lesson, one.question, one.finding, one.leaves_open) for one in evidence().values()],
      ["", "lesson", "question", "finding", "leaves open"])  # fmt: skip

# %% [markdown]
# Speak a minute each, question each other, concede one point each; then vote again. (Alone: write two sentences for
# every seat.) Fill in the votes:

# %%
from llama_course.policy.role_play import tally

closed, api, licence, everybody = LEVELS
before = {"first": closed, "second": everybody, "third": licence, "fourth": api}  # by whatever names you like
after = {"first": api, "second": licence, "third": licence, "fourth": api}  # change both
result = tally(before, after)
print(result)
table([(name, result.before[name], result.after[name]) for name in LEVELS], ["", "before", "after"], numeric=[1, 2])

# %% [markdown]
# Which finding moved votes, and was it the best founded? Who had the least to say, and whose costs were they?
#
# ## Who gains, who decides?
#
# In the model users gain, and those who sell what is needed to run it; the giver gains while others are dear. Who
# decides about the next one is whoever can make it; rules came two years later, and reach those who can be found.

# %%
quiz("13")

# %% [markdown]
# ## What you can now explain
#
# - when a gift pays, for whom, and what the sum leaves out
# - where Android, React and PyTorch differ from a model's weights
# - why free weights can be dearer than an API
# - what the EU's lines count, and what an open licence spares
# - why most predictions cannot be scored, and how to write one that can
#
# **Exercises.** [Exercises 13](../exercises/13_strategy_and_rules.ipynb)
#
# **Sources.** The five articles: see [lesson 01](01_five_articles.ipynb). Each price, date, duty and outcome is a row,
# with its source and how sure we are, of `strategy.json`, `prices.json`, `rules.json`, `timeline.json` or
# `predictions.json` in `utils/llama_course/data/policy`. Cards for the role-play: `teaching/role_cards`.
