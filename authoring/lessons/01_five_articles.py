# %% [markdown]
# # 01 · Five articles, one release
#
# **Question.** Who told it right?
#
# **You will be able to** check a claim against a primary source and give it one of eight verdicts; find the words that
# a copy changed inside a quotation; turn a licence clause into a test; say why a score of reliability is fragile.
#
# **Before you start.** Lesson 00. Python; no machine learning, and no model in this lesson.
#
# **Time.** 45 minutes. **Compute.** 2 s on two CPU cores. **Memory.** 0.2 GiB.
#
# **Claims tested.** All that the five articles (A0 to A4) say about Llama 2 and that a document can decide.

# %% tags=["first-cell"]

# %% [markdown]
# One of the five articles of this course tells its readers, in July 2023:

# %%
from llama_course.policy.claims import accounts, articles, claim, claims, evidence, quotations, verdicts
from llama_course.widgets.claim_views import View, account_map, diff_view, evidence_html, table_view

print(f"“{claim('A0.14').quote}”")

# %% [markdown]
# There is no *Flame 2*. Something happened to this text on its way to us. What, and what else happened? We have five
# accounts of one release:

# %%
table_view(
    [(a.id, a.title, a.publication, a.published) for a in articles().values()],
    ["", "title", "publication", "published"],
    "The five articles. Where we could not confirm something, it says so.",
)

# %% [markdown]
# **Predict first.** Write two answers down, before you read on.
#
# 1. Which article is the most reliable?
# 2. Each of these stood inside quotation marks. Which is word for word what the person said?

# %%
for name in ("clegg-hands", "zuck-progress", "clegg-dumber"):
    q = quotations()[name]
    print(f"{q.article}, {q.speaker}: “{q.copy}”")

# %% [markdown]
# ## 1. Six questions, five stories
#
# What does each article say on the same six questions, and do the documents bear it out? Read along the rows.

# %%
six = accounts()[:6]
account_map(six)

# %% [markdown]
# Two things to look for: where the articles *contradict* each other (then somebody is wrong), and where they all agree
# (then, perhaps, nobody looked).

# %%
for topic in six:
    spoken = [topic.verdict(article).name for article in articles() if topic.verdict(article)]
    print(f"{topic.topic:12} {len(spoken)} articles speak, {spoken.count('supported')} supported")

# %% [markdown]
# On the training data all who speak are right: they are as vague as Meta was. On *open source* all five speak and not
# one is supported. Five witnesses who may all have heard it from the same mouth are one witness.
#
# ## 2. Where is the primary source?
#
# That question is the habit this lesson is for. Here the primary sources are short: the licence and the use policy, the
# model card, the paper, Meta's FAQ. A claim beside them gets one of eight verdicts.

# %%
table_view(
    [(verdict, verdict.meaning, len(claims(verdict=verdict.name))) for verdict in verdicts().values()],
    ["verdict", "what it means", "claims"],
)

# %% [markdown]
# Your turn. Begin with A0.3, "three versions": read the evidence, choose a verdict, and only then unfold ours. Then
# pick a topic that interests you. Tab and Space reach everything; filtering by verdict gives the answers away.

# %%
from llama_course.widgets.claims import ClaimExplorer

ClaimExplorer()

# %% [markdown]
# *Three* is a number in the documents, too: a misleading sentence can be made of true pieces. Opinions are not errors,
# and not facts: no document confirms "a knife for criminals". And some rows say *not verified*. We looked and found
# nothing good enough; to write that down is part of the method.
#
# ## 3. The fingerprints of translation
#
# Nick Clegg spoke on the radio. Here is what a clean copy of the report has, and what ours made of it.

# %%
hands = quotations()["clegg-hands"]
diff_view(hands.original, hands.copy)

# %% [markdown]
# Inside quotation marks! If the clean copy is right, he never said it. How does one find such a word in a long text?
# Python brings the tool: `difflib` aligns two lists and says where they differ.

# %%
from difflib import SequenceMatcher

old, new = hands.original.split(), hands.copy.split()
for what, a, b, c, d in SequenceMatcher(None, old, new).get_opcodes():
    if what != "equal":
        print(what, old[a:b], "->", new[c:d])

# %% [markdown]
# The course's own function does the same and forgives capitals and punctuation. On all quotations at once, it settles
# your second prediction:

# %%
from llama_course.policy.diffs import say_altered

quoted = [q for q in quotations().values() if q.inside_quotation_marks]
table_view(
    [(f"{q.article} {q.speaker}", f"“{q.copy}”", say_altered(q.original, q.copy)) for q in quoted],
    ["who", "as quoted in our copy", "changed on the way"],
)

# %% [markdown]
# One survived. The others went through another language and came back: Zuckerberg's through Korean, Clegg's probably
# through Spanish. Why Spanish? Look at the hook again, beside its original:

# %%
level = quotations()["level"]
diff_view(level.original, level.copy)

# %% [markdown]
# *Llama* is Spanish for *flame*. A program took the model's name for an ordinary word: a fingerprint. And while we
# laugh at it, a small word has gone: *quite*. The funny error warns of the serious one.
#
# ## 4. A sentence turned round
#
# A2 is a rewrite of a report in WIRED. No wrong name, no odd comma. Compare:

# %%
cost = quotations()["cost"]
print(f"original: {cost.original}\n\nour copy: {cost.copy}")

# %% [markdown]
# *Just like* ChatGPT, it cost millions. *Unlike* the others, which cost millions. The two differ by one syllable, and
# say opposite things. Suppose you had never seen the original: could you have caught it? With the paper, yes.

# %%
hours = 3_311_616  # evidence("paper-hours"): the paper's Table 2, pretraining only
for dollars_per_hour in (1.5, 2, 4):  # a range of rents for one A100 card, assumed
    print(f"at {dollars_per_hour} dollars an hour: {hours * dollars_per_hour / 1e6:.0f} million dollars")
View(evidence_html([evidence("paper-hours")]))

# %% [markdown]
# Nobody who had asked for the primary source could have believed that this was cheap.
#
# ## 5. Who must ask Meta?
#
# Three articles mention that very large firms need Meta's leave, or fail to. A0 and A3 are silent.

# %%
for number in ("A1.8", "A2.7", "A4.1"):
    print(f"{number}: “{claim(number).quote}”")
View(evidence_html(claim("A1.8").evidence))

# %% [markdown]
# *On the release date*, *in the preceding calendar month*: which month is that? And **predict first**: of these four
# firms, all made up, who must ask? Giant and its little sister are affiliates; each firm has a chat product built on
# Llama 2.

# %%
from llama_course.policy import user_clause

print(user_clause.RELEASE_DATE, "->", user_clause.month_before(user_clause.RELEASE_DATE))
months = ("2023-06", "2025-03")
table_view(
    [
        (firm, *(f"{user_clause.users_in(firm, month, user_clause.FIRMS) / 1e6:,.0f} million" for month in months))
        for firm in user_clause.FIRMS
    ],
    ["firm", *months],
    "Monthly users of all products together",
)

# %%
told = user_clause.tellings()
words = {True: "must ask", False: "need not"}
table_view(
    [(firm, *(words[answer] for answer in answers)) for firm, *answers in told],
    ["firm", "A1 says", "A2 says", "A4 says", "the licence says"],
    f"Who must ask Meta in April 2025? A1 and the licence agree on {sum(row[1] == row[-1] for row in told)} of them.",
)

# %% [markdown]
# A1's sentence sounds the most exact, and has three errors: *one product* instead of all, affiliates too; *whenever*
# instead of one month of 2023; a licence that one *requests*, where Meta may say no. For the start-up that took off A1
# rings an alarm that the licence never rings: the clause looks at who was huge already. Precise is not the same as
# true. (Exercise 01.4 has you write the clause yourself.)
#
# ## 6. So who told it right?
#
# Let us keep score: of the claims that a document can decide, which share is supported? Opinions and guesses stay out.

# %%
from llama_course import plots
from llama_course.policy.scores import leaders, ranking

strict = ranking()
labels = [f"{s.article} ({s.good} of {s.counted})" for s in strict]
plots.bars(labels, [100 * s.share for s in strict], title="Share of supported claims", xlabel="%")

# %% [markdown]
# A winner. Done? We chose something on the way: a claim that is *incomplete*, true but with a condition left out, got
# nothing. One may as honestly count it: nothing in it is false. **Predict first.** Does the order change?

# %%
generous = ranking(good=("supported", "incomplete"))
for name, scores in (("strict", strict), ("generous", generous)):
    print(f"{name:9}", "   ".join(map(str, scores)))
changed = [s.article for s in strict] != [s.article for s in generous]
print(f"\nThe order {'changes' if changed else 'stays'}. First: {strict[0].article}, then {generous[0].article}.")

# %% [markdown]
# And a third choice. Should A0 pay for errors that a translation program made? It depends on whom we judge: the
# reporter, or the page that reached us.

# %%
countings = {
    "strict": ranking(),
    "generous": generous,
    "strict, the copy’s damage left out": ranking(leave_out_topics=["wording"]),
    "everything that is not wrong": ranking(good=set(verdicts()) - {"wrong"}, leave_out_topics=["wording"]),
    "opinions count as not supported": ranking(leave_out=()),
}
table_view(
    [(name, *(f"{s.article} {100 * s.share:.0f} %" for s in scores)) for name, scores in countings.items()],
    ["counting", "1st", "2nd", "3rd", "4th", "5th"],
    "First, alone or level with others: "
    + "; ".join(f"{name}: {', '.join(leaders(scores))}" for name, scores in countings.items()),
)

# %% [markdown]
# Not one verdict changed, and nearly everyone has been first. The ranking answers questions that we had not asked
# aloud: what counts as a claim (we chose them), what as good, whose errors? With a dozen claims an article, one more or
# less moves a share by several points. The rows hold; their sum is fragile. When you meet a score, ask how it was
# counted. That goes for models, too: lesson 07.
#
# ## Check yourself

# %%
quiz("01")

# %% [markdown]
# ## What you can now explain
#
# - why five agreeing reports may be one source
# - the difference between wrong, misleading, over-stated and incomplete, and why opinions stand apart
# - how a quotation is altered without anybody lying, and how to find the word
# - what the 700 million clause tests: whose users, which month, and who decides
# - why a ranking by share of true claims can turn round without one verdict changing
#
# **Exercises.** [Exercises 01](../exercises/01_five_articles.ipynb): write the word finder and the clause, reach
# verdicts, find the turned sentence, and unmask a machine.
#
# **Sources.** Llama 2 [licence](https://github.com/facebookresearch/llama/blob/main/LICENSE),
# [use policy](https://github.com/facebookresearch/llama/blob/main/USE_POLICY.md) and
# [model card](https://github.com/facebookresearch/llama/blob/main/MODEL_CARD.md);
# [the paper](https://arxiv.org/abs/2307.09288). Every other source stands beside its claim in the explorer. The five
# articles are quoted, never reproduced.
