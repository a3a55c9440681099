# %% [markdown]
# # Exercises 11 · Transparency
#
# Six exercises for [lesson 11](../course/11_transparency.ipynb), about 75 minutes: one on describing a text, two
# on what is remembered and why, two on an honest test of membership, one on judgement. Replace
# `raise NotImplementedError` with your code and run the check below it. Stuck? `hint("11.1")` gives a nudge, asked
# again an idea, then nearly the code. Solutions: [solutions 11](../solutions/11_transparency.ipynb).

# %% tags=["first-cell"]

# %% [markdown]
# ## Exercise 11.1 · Four lines of a datasheet
#
# **Difficulty** 1 of 4 · **Minutes** 8 · **For** describing a text before anybody trains on it
#
# `texts` is a list of documents, `names` a list of people. Return a dictionary: `documents` (how many), `distinct`
# (how many that differ in at least one character), `copied_most` (how often the most frequent document comes),
# `with_names` (documents in which at least one of the people is named, copies counted). A name counts as a whole
# word only: “Ann” is not named in “Anna”. Of no documents everything is 0.

# %%
import re
from collections import Counter


def describe(texts, names):
    """A dictionary of four numbers."""
    ### BEGIN SOLUTION
    counts = Counter(texts)
    named = re.compile(rf"\b({'|'.join(map(re.escape, names))})\b") if names else None
    return {
        "documents": len(texts),
        "distinct": len(counts),
        "copied_most": max(counts.values(), default=0),
        "with_names": sum(bool(named and named.search(text)) for text in texts),
    }
    ### END SOLUTION


# %%
check("11.1", describe)

# %% [markdown]
# ## Exercise 11.2 · Exposure by counting
#
# **Difficulty** 2 of 4 · **Minutes** 10 · **For** a number for "it remembers"
#
# `own` is ln p of the true secret, `others` are ln p of *all* other secrets that it could have been. With the true
# one there are len(others) + 1. Its rank is 1 if it is the most probable; others that are equally probable come
# before it. Exposure is log2 of the number of secrets, less log2 of the rank.

# %%
from math import log2


def exposure(own, others):
    """Bits, from 0 to log2 of the number of secrets."""
    ### BEGIN SOLUTION
    rank = 1 + sum(other >= own for other in others)
    return log2(len(others) + 1) - log2(rank)
    ### END SOLUTION


# %%
check("11.2", exposure)

# %% [markdown]
# ## Exercise 11.3 · Nearly the same
#
# **Difficulty** 2 of 4 · **Minutes** 12 · **For** finding copies in which a word was changed
#
# A *run* is `length` words in a row; words are what `split()` gives. The likeness of two texts is the number of
# different runs that are in both, divided by the number of different runs that are in at least one of them. A text
# of fewer words has one run, all of them.


# %%
def likeness(one, other, length=3):
    """A share from 0 to 1."""

    ### BEGIN SOLUTION
    def runs(text):
        words = text.split()
        return {tuple(words[i : i + length]) for i in range(max(1, len(words) - length + 1))}

    first, second = runs(one), runs(other)
    return len(first & second) / len(first | second)
    ### END SOLUTION


# %%
check("11.3", likeness)

# %% [markdown]
# ## Exercise 11.4 · Better than a coin?
#
# **Difficulty** 2 of 4 · **Minutes** 10 · **For** a measure that needs no threshold
#
# `members` and `others` are scores, higher for what looks as if it had been read. Return the AUC: of all pairs of
# a member and another, the share in which the member has the higher score. Equal scores count half.


# %%
def auc(members, others):
    """A share from 0 to 1; 0.5 is a coin."""
    ### BEGIN SOLUTION
    wins = sum((member > other) + (member == other) / 2 for member in members for other in others)
    return wins / (len(members) * len(others))
    ### END SOLUTION


# %%
check("11.4", auc)

# %% [markdown]
# ## Exercise 11.5 · A fair comparison
#
# **Difficulty** 3 of 4 · **Minutes** 15 · **For** not measuring something else
#
# Somebody wants to test a score of membership. `members` are pairs (kind, text) that were read; `read` is the set
# of all texts that were read; `candidates` are new pairs (kind, text). Return a list of candidates to compare
# with, in their order: exactly as many of each kind as among the members, no text that was read, no text twice.
# Where there are not enough of a kind, raise a ValueError that names the kind.


# %%
def fair_others(members, read, candidates):
    """A list of pairs (kind, text)."""
    ### BEGIN SOLUTION
    wanted = Counter(kind for kind, _ in members)
    seen, chosen = set(read), []
    for kind, text in candidates:
        if wanted[kind] > 0 and text not in seen:
            chosen.append((kind, text))
            seen.add(text)
            wanted[kind] -= 1
    missing = [kind for kind, count in wanted.items() if count > 0]
    if missing:
        raise ValueError(f"too few unread texts of: {', '.join(missing)}.")
    return chosen
    ### END SOLUTION


# %%
check("11.5", fair_others)

# %% [markdown]
# ## Exercise 11.6 · Score the first Llama
#
# **Difficulty** 4 of 4 · **Minutes** 20 · **For** a score that one can defend
#
# Here is what the card of the *first* Llama says of its text. Give it the twelve points on data, and a reason for
# each.

# %%
from llama_course.policy.claims import evidence
from llama_course.policy.transparency import indicators

print(evidence("llama1-data").plain, "Wikipedia and Books are in twenty languages.")
print("The text from the web was chosen by its likeness to Wikipedia’s text and references, by two programs.")
print("The text itself was not published; several of its sources can be had elsewhere.\n")
for row in indicators().values():
    print(f"{row.id:12} {row.question}")

# %% [markdown]
# Return a dictionary from each of the twelve names to a pair (point, reason): 1 or 0, and a sentence of at least
# six words that names what you go by. The check looks at the form, and at two points on which there is no doubt.
# For the rest give it to your neighbour, with the rubric that your teacher has: who of you is right where you
# differ?


# %%
def first_llama():
    """A dictionary of twelve pairs."""
    ### BEGIN SOLUTION
    return {
        "size": (0, "This part of the card gives shares, and shares are no size."),
        "sources": (1, "The card lists seven sources by name, each with its share."),
        "creators": (0, "Languages of two sources are named, but not who wrote them."),
        "selection": (1, "Web text was chosen by its likeness to Wikipedia and its references."),
        "curation": (1, "The classifier that chose web pages is named; that is curating text."),
        "augmentation": (0, "Nothing in it says whether text was made up and added."),
        "filtering": (0, "Choosing by likeness to Wikipedia is not a filter against harm."),
        "copyright": (0, "Books are among the sources, and their status is not given."),
        "licences": (0, "No licence of any of the seven sources is named there."),
        "personal": (0, "Whether some of it is about people is not said."),
        "query": (0, "There is no way to search the text that was used."),
        "direct": (0, "Sources can be had, but not the text as it was put together."),
    }
    ### END SOLUTION


# %%
check("11.6", first_llama)

# %% [markdown]
# ## What you can now do
#
# - describe a text in four numbers, and find its copies, the changed ones too
# - measure how far a secret stands out
# - test a claim of membership against a coin, with the right documents on the other side
# - give a transparency score with reasons that somebody else can check
