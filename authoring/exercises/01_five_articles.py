# %% [markdown]
# # Exercises 01 · Five articles, one release
#
# Find what was altered, reach your own verdicts, and write a licence clause as code. Stuck? `hint("01.1")` gives a
# nudge, then an idea, then nearly the code.

# %% tags=["first-cell"]

# %% [markdown]
# ## Exercise 01.1 · Find the altered words
#
# **Difficulty** 2 of 4 · **Minutes** 10 · **For** catching a quotation that was changed.
#
# Write `altered_words(original, copy)`. It returns the words that changed as a list of pairs (before, after):
# `("clammy", "sweaty")` for a word exchanged, `("quite", "")` for one lost, `("", "very")` for one added. Words that
# stand together may form one pair. Capitals and punctuation do not count; the order of the words does.

# %%
import re
from difflib import SequenceMatcher


def altered_words(original, copy):
    """Pairs of words before and after; an empty list where the two agree word for word."""
    ### BEGIN SOLUTION
    old, new = (re.findall(r"[\w'’-]+", text.lower()) for text in (original, copy))
    changes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return [(" ".join(old[a:b]), " ".join(new[c:d])) for what, a, b, c, d in changes if what != "equal"]
    ### END SOLUTION

# %%
check("01.1", altered_words)

# %% [markdown] tags=["solution-only"]
# `difflib` looks for the longest run of words that both texts share, then works on either side of it. A bag of words
# (a `set`) forgets the order and the repeated words; a comparison place by place goes astray after the first word lost.

# %% [markdown]
# ## Exercise 01.2 · Six verdicts
#
# **Difficulty** 2 of 4 · **Minutes** 12 · **For** deciding from documents, not from a feeling.
#
# Read the six claims and the evidence, and give each a verdict of the vocabulary:
# `my_verdicts = {"A0.3": "supported", …}`, one entry for each. The check names the evidence that a verdict conflicts
# with. Where a careful reader may reach two verdicts, both are accepted.

# %%
from llama_course.policy.claims import claim, verdicts
from llama_course.widgets.claim_views import View, claim_html
from llama_course.widgets.html import join

six = ("A0.3", "A1.5", "A2.2", "A2.3", "A3.2", "A4.6")
print(*(f"{verdict}: {verdict.meaning}" for verdict in verdicts().values()), sep="\n")
View(join(claim_html(claim(number)) for number in six))

# %%
### BEGIN SOLUTION
my_verdicts = {
    "A0.3": "misleading",
    "A1.5": "wrong",
    "A2.2": "incomplete",
    "A2.3": "over-stated",
    "A3.2": "supported",
    "A4.6": "opinion",
}
### END SOLUTION

# %%
check("01.2", my_verdicts)

# %% [markdown] tags=["solution-only"]
# The hard one is A4.6: both the article and the quotation are genuine. But "dumber" is a comparison that no document
# decides. That Meta praised the model elsewhere shows a tension, not a falsehood.

# %% [markdown]
# ## Exercise 01.3 · The sentence turned round
#
# **Difficulty** 2 of 4 · **Minutes** 6 · **For** telling a loose copy from a reversed one.
#
# In one of these pairs the copy says the **opposite** of the original. Which, what changed, and which evidence would
# have caught it without the original? Answer with `{"quotation": …, "changed": …, "caught_by": …}`: the name of a pair;
# one of `"word"`, `"name"`, `"subject"`, `"polarity"` (like or unlike, yes or no), `"hedge"`; the name of an evidence.

# %%
from llama_course.policy.claims import evidence, quotations

for name in ("clegg-safer", "laptop", "cost", "par", "level"):
    print(f"{name}\n  original: {quotations()[name].original}\n  copy:     {quotations()[name].copy}")
for name in ("faq-why", "card-parity", "paper-hours", "licence-limited"):
    print(f"{name}: {evidence(name).plain}")

# %%
### BEGIN SOLUTION
turned = {"quotation": "cost", "changed": "polarity", "caught_by": "paper-hours"}
### END SOLUTION

# %%
check("01.3", turned)

# %% [markdown]
# ## Exercise 01.4 · Who must ask? The clause as code
#
# **Difficulty** 3 of 4 · **Minutes** 15 · **For** reading a legal sentence as exactly as a program does.
#
# Section 2 of the licence, in short: if, **on the release date** (18 July 2023), the monthly active users of **the
# products or services** of the licensee **or its affiliates** were **greater than** 700 million **in the preceding
# calendar month**, there are no rights until Meta, at its sole discretion, grants them.
#
# Write `may_use_llama_2(licensee, users, affiliates, meta_said_yes)`, which says True or False.
# `users["Giant"]["mail"]["2023-06"]` is a number of people; a month or a firm that is missing had none. Add up the
# products of a firm. Take each affiliate by itself: one of them above the gate is enough.

# %%
from datetime import date

RELEASE_DATE = date(2023, 7, 18)


def may_use_llama_2(licensee, users, affiliates, meta_said_yes):
    """May this firm use Llama 2 now, as section 2 has it?"""
    ### BEGIN SOLUTION
    month = f"{RELEASE_DATE.year}-{RELEASE_DATE.month - 1:02d}"  # the calendar month before
    for firm in [licensee, *affiliates]:
        products = users.get(firm, {}).values()
        if sum(months.get(month, 0) for months in products) > 700_000_000:
            return meta_said_yes
    return True
    ### END SOLUTION

# %%
check("01.4", may_use_llama_2)

# %% [markdown]
# Article A1 says: "If any party achieves more than 700 million active users in the preceding calendar month for a
# product based on Llama 2", it must *request* a licence. Your function disagrees with that in three places. Which?

# %% [markdown] tags=["solution-only"]
# "A product based on Llama 2": all products count, and those of affiliates. "Achieves … in the preceding month": only
# June 2023 counts, later growth does not. "Request": to ask is not to receive; Meta may say no.

# %% [markdown]
# ## Exercise 01.5 · Fingerprints of a machine
#
# **Difficulty** 3 of 4 · **Minutes** 12 · **For** suspecting a text from the text alone.
#
# This time there is no original to compare with. Some of these snippets went through a machine. Write
# `suspicion(text)`, a number that is higher for those. Two kinds of trace help: a fixed term that a program took for
# ordinary words (`TERMS` has some), and signs set as no writer sets them. The check tries snippets not shown here.

# %%
from llama_course.policy.claims import snippets

TERMS = ["flame", "home windows", "open supply", "well-liked associate", "regia"]
for one in snippets().values():
    print(f"{one.id}: {one.text}")

# %%
def suspicion(text):
    """How many traces of a machine the text shows."""
    ### BEGIN SOLUTION
    terms = sum(term in text.lower() for term in TERMS)
    odd_signs = re.findall(r"\s[,.;:]|\w\. \d", text)
    return terms + len(odd_signs)
    ### END SOLUTION

# %%
check("01.5", suspicion)

# %%
for one in sorted(snippets().values(), key=lambda one: -suspicion(one.text)):
    print(f"{suspicion(one.text)}  {'rewritten' if one.rewritten else 'clean':9}  {one.text}")
print(suspicion("The flame of a candle needs air."), "for an honest sentence about a candle")

# %% [markdown]
# One rewritten snippet probably stands among the clean ones, and the candle among the guilty. A fingerprint is a reason
# to look for the original. It is never a proof.
