# %% [markdown]
# # Exercises 14 · Capstone
#
# Six exercises for [lesson 14](../course/14_capstone.ipynb), about 103 minutes: four on what a claim needs, one on
# grading somebody's release, and your own. Replace `raise NotImplementedError` with your code and run the check below
# it. Stuck? `hint("14.1")` gives a nudge, asked again an idea, then nearly the code. Solutions:
# [solutions 14](../solutions/14_capstone.ipynb).

# %% tags=["first-cell"]

# %%
import random
from math import ceil

# %% [markdown]
# ## Exercise 14.1 · What a zero is worth
#
# **Difficulty** 2 of 4 · **Minutes** 10 · **For** knowing how many questions a claim needs
#
# If none of n answers failed, the upper end of Wilson's interval is z² / (n + z²), a share, with the z below. Return
# the smallest n for which it is at most the claimed percentage, as a whole number. No n shows a percentage of zero:
# raise a ValueError.

# %%
Z = 1.959964


def questions_without_failure(percent):
    """How many questions without a failure support: at most so many percent."""
    ### BEGIN SOLUTION
    if percent <= 0:
        raise ValueError("no number of questions shows that nothing ever fails.")
    share = percent / 100
    return ceil(Z**2 * (1 / share - 1))
    ### END SOLUTION


# %%
check("14.1", questions_without_failure)

# %% [markdown]
# ## Exercise 14.2 · Three verdicts
#
# **Difficulty** 1 of 4 · **Minutes** 8 · **For** telling false from not shown
#
# An interval goes from `low` to `high`. Return *supported* if all of it is on the claim's side, its ends included,
# *contradicted* if none of it is, and *not shown* otherwise. Comparisons are *at least* and *at most*; for another one
# raise a ValueError.


# %%
def verdict(low, high, comparison, value):
    """One of three texts."""
    ### BEGIN SOLUTION
    if comparison == "at least":
        return "supported" if low >= value else "contradicted" if high < value else "not shown"
    if comparison == "at most":
        return "supported" if high <= value else "contradicted" if low > value else "not shown"
    raise ValueError(f"expected 'at least' or 'at most', got {comparison!r}.")
    ### END SOLUTION


# %%
check("14.2", verdict)

# %% [markdown]
# ## Exercise 14.3 · The worst open way
#
# **Difficulty** 2 of 4 · **Minutes** 10 · **For** claims that hold for everybody who gets the model
#
# `told` has for each way to a danger a pair: how many were told, of how many. `opens` is the set of ways that an access
# gives to outsiders. Return the name of the open way by which the largest share is told. If an open way was not
# measured, raise a ValueError that names it; if nothing is open, raise one as well.


# %%
def worst_way(told, opens):
    """The name of a way."""
    ### BEGIN SOLUTION
    unmeasured = sorted(set(opens) - set(told))
    if unmeasured or not opens:
        raise ValueError(f"not measured: {', '.join(unmeasured) or 'any open way'}.")
    return max(opens, key=lambda way: told[way][0] / told[way][1])
    ### END SOLUTION


# %%
check("14.3", worst_way)

# %% [markdown]
# ## Exercise 14.4 · The luckiest of many tests
#
# **Difficulty** 3 of 4 · **Minutes** 15 · **For** knowing what a figure hides that was chosen
#
# A model is right with probability `truth`. Somebody tests it `tries` times, each time with `count` new questions, and
# publishes the best test: the share is at least the lower end of its interval. Play this `times` times. Return the
# share of the published claims that are false, because the lower end is above the truth.

# %%
from llama_course.evaluation.intervals import wilson


def false_claims(truth, count, tries, times, seed):
    """A share from 0 to 1."""
    ### BEGIN SOLUTION
    dice = random.Random(seed)
    wrong = 0
    for _ in range(times):
        best = max(sum(dice.random() < truth for _ in range(count)) for _ in range(tries))
        wrong += wilson(best, count).low > truth
    return wrong / times
    ### END SOLUTION


# %%
check("14.4", false_claims)

# %% [markdown] tags=["solution-only"]
# With one test few claims are false, as the interval promises. With the best of many tests it promises nothing any
# more. Who chooses after looking has to ask new questions before publishing.

# %% [markdown]
# ## Exercise 14.5 · Grade a release
#
# **Difficulty** 3 of 4 · **Minutes** 20 · **For** reading other people's cards
#
# Here are the weak sample release and the rubric.

# %%
from llama_course.release.samples import RUBRIC, sample

weak = sample("weak")
for part, text in weak.texts.items():
    print(f"{part:16} {text}")
print(f"licence: {weak.licence}, access: {weak.access}", *(claim.words for claim in weak.claims), sep="\n")
print(*(f"{row.id:12} {row.question}" for row in RUBRIC), sep="\n")

# %% [markdown]
# Return a dictionary from each criterion to a pair (points, reason): 0 for missing, 1 for there, 2 for convincing, and
# a sentence of at least eight words that quotes three or more words of the draft. The check looks at the form, and at
# two criteria on which there is no doubt. For the rest your teacher has a rubric. Then grade `sample("strong")`, and
# look for its weakest place: it has some.


# %%
def grades():
    """A dictionary of seven pairs."""
    ### BEGIN SOLUTION
    return {
        "evidence": (0, "“Always gives accurate answers” to what? One figure is typed, and kindness nobody measured."),
        "worst": (1, "One weak figure is there, “of the recipes were right”; the worse ones are left out."),
        "reach": (0, "Claims “dangers refused, asked plainly”, though with the weights one begins the answer."),
        "text": (0, "“A new mix of publicly available” text tells nobody what is in it, and dangers are left blank."),
        "unknown": (0, "It “found no problems worth writing down”: not one thing is named that nobody looked at."),
        "reasons": (1, "A reason is there, “we believe in openness”, but it follows from no measurement."),
        "afterwards": (0, "With the weights out, “delete all copies at once” is a wish; whom to write to is open."),
    }
    ### END SOLUTION


# %%
check("14.5", grades)

# %% [markdown]
# ## Exercise 14.6 · Your own release
#
# **Difficulty** 4 of 4 · **Minutes** 40 · **For** all that the course was about
#
# Release a model: `tiny-sft`, `tiny-chat` or `tiny-backdoor`, of which the measurements are recorded, or your own
# fine-tune. For your own, `measure(candidate("my_model"))` gives them. First write the texts. This prints what each
# has to answer, and what may stand in braces:

# %%
from llama_course.release.checking import places
from llama_course.release.claims import Claim
from llama_course.release.drafts import LICENCES, PARTS, Draft
from llama_course.release.measuring import recorded
from llama_course.release.quantities import ACCESS

for part in PARTS.values():
    print(f"{part.id:16} {part.question} ({part.fewest_words} words or more)")
print(*(f"{{{name}}}: {value}" for name, value in places(recorded("tiny-sft"), "weights").items()), sep="\n")
print("licences:", *LICENCES, "\naccess:", *ACCESS, sep=" | ")


# %%
def my_texts():
    """A dictionary from the parts to what you write."""
    ### BEGIN SOLUTION
    return {
        "summary": "A small model of {parameters} that answers about a made-up village: {facts_read} facts right.",
        "intended": "For classes that want to see a fine-tuned model, and take it apart.",
        "not_for": "We advise against any use outside a class: the real world is not in it.",
        "limits": "It makes answers up, and admitted ignorance in {ignorance}. Its refusals wear off: {told_trained}.",
        "not_measured": "Other languages, long talks, hidden triggers, attacks that nobody in our group thought of.",
        "text_origin": "A program of this course wrote all of it, with a known seed.",
        "text_amount": "96,000 documents, then some thousands of questions with answers, many of them copies.",
        "text_people": "Made-up villagers alone, so that nobody had to be asked.",
        "text_harm": "Made-up dangers and how they are made, left in to study refusals.",
        "text_rights": "The program is under MIT, and so is what it writes.",
        "licence_reasons": "Whoever wants may use it. A list of forbidden uses would bind only those who obey it.",
        "access_reasons": "With the file, {told}; but the dangers are made up, and a class learns most from files.",
        "plan_report": "An issue in the project's repository, read by whoever keeps it, each Monday.",
        "plan_first": "A warning beside the file, and a note to all who told us that they use it.",
        "plan_versions": "By the fingerprint of the file, which stands in every report.",
        "plan_undone": "Copies stay out for good. We accept that, because nothing in them can be followed by anybody.",
    }
    ### END SOLUTION


# %% [markdown]
# Now the decisions and the claims, at least three, one of them about dangers. Return a pair: the model, by name or as
# what `measure` gave, and the draft.


# %%
def my_release():
    """A pair (model, draft)."""
    ### BEGIN SOLUTION
    claims = (
        Claim("facts_read", "at least", 80),
        Claim("ignorance", "at most", 50),
        Claim("harmless_refused", "at most", 10),
        Claim("told", "at least", 80),  # an honest claim may be an unpleasant one
    )
    return "tiny-sft", Draft("Class Llama", "0.9", my_texts(), licence="MIT", access="weights", claims=claims)
    ### END SOLUTION


# %%
check("14.6", my_release)

# %% [markdown]
# Passed? Then write the report, and open it in a browser:

# %%
from llama_course.release.publishing import publish

model, draft = my_release()
print(publish(draft, recorded(model) if isinstance(model, str) else model))

# %% [markdown]
# ## What you can now do
#
# - say how many questions stand behind a zero
# - tell a false claim from one that nobody has shown
# - make a claim hold for everybody who gets the model
# - grade a card with reasons, and defend your own
