# %% [markdown]
# # 02 · Predicting text
#
# **Question.** What is "a textual predictive pattern recognition system"?
#
# **You will be able to** read a next-token distribution, choose sampling settings with reasons, measure how
# surprised a model is by a text, and say why a fluent answer need not be true.
#
# **Before you start.** Lesson 00. Python; no machine learning.
#
# **Time.** 45 minutes. **Compute.** 30 s on two CPU cores. **Memory.** 0.6 GiB.
#
# **Claims tested.** Llama 2 is "just a textual predictive pattern recognition system" (A4); models of this kind are
# "prone to producing false information" (A0).

# %% tags=["first-cell"]

# %% [markdown]
# The phrase is Nick Clegg's, of Meta. Axios printed it on 19 July 2023, the day after Llama 2 was released:

# %%
from llama_course.policy.claims import claim

print(f"“{claim('A4.11').quote}”")

# %% [markdown]
# Let us take such a system and look at how it predicts. Ours is small enough for any laptop, and built like Llama 2.

# %%
from llama_course.start_lesson import introduce

model = load_model()
introduce(model)

# %% [markdown]
# ## 1. Tokens: what the model reads
#
# A model reads neither letters nor words. It reads **tokens**: pieces of text from a fixed list, its vocabulary, each
# with a number. Type your own sentence; a dot is a space.

# %%
from llama_course.widgets.tokenizer_view import TokenizerView

TokenizerView(model, "A llama never forgets its favourite hat.")

# %% [markdown]
# Common words are one token; rarer ones are put together from pieces.
#
# **Predict first.** How many tokens is *freedom* in English? And the same word in Russian, in Korean?

# %%
from llama_course import plots

freedom = {"English": "freedom", "Spanish": "libertad", "German": "Freiheit",
           "Arabic": "حرية", "Russian": "свобода", "Korean": "자유"}  # fmt: skip
counts = [len(model.tokenize(word)) for word in freedom.values()]
plots.bars(list(freedom), counts, title="Tokens for the word “freedom”", xlabel="tokens")

# %%
print([token.label for token in model.tokenize(freedom["Korean"])])

# %% [markdown]
# What has no piece of its own falls apart into bytes. Whoever writes Korean pays more tokens for the same thought: more
# time, and less room in the window of section 7. Llama 2 has another vocabulary. This is how it splits one sentence in
# three languages, recorded from its tokenizer:

# %%
from llama_course.models.recorded import llama_2_tokens

for name in ("plain_english", "spanish", "korean"):
    text, tokens = llama_2_tokens(name)
    print(f"{len(tokens):3} tokens: {text}\n    {' | '.join(token.label for token in tokens)}")

# %% [markdown]
# It has tokens for some Korean syllables and spells the others in bytes.
#
# ## 2. A prediction is a list of probabilities
#
# Given some text, the model answers one question: *which token comes next?* The answer is not a token but a
# **distribution**: a probability for every token of the vocabulary.
#
# **Predict first.** After "The opposite of hot is": which token, and how sure will the model be?

# %%
plots.next_token_bars(model.next_token_probabilities("The opposite of hot is", k=8), "The opposite of hot is …")

# %% [markdown]
# Text in, probabilities out: that is all a language model does, and the rest of this lesson is made of it. Continue
# the next sentence by clicking on tokens; try the second or third choice.

# %%
from llama_course.widgets.next_token import NextTokenExplorer

NextTokenExplorer(model, "The llama looked at the camera and")

# %% [markdown]
# ## 3. Writing is predicting again and again
#
# To write, take the most probable token, append it, and ask again. Nearly every chatbot speaks through a loop like
# this one:

# %%
start = "Once upon a time"
text = start
for _ in range(20):
    best = model.next_token_probabilities(text, k=1)[0]
    text += best.token.text
print(text)

# %% [markdown]
# The library's `complete` is the same loop, only faster, and it stops where the model marks the end of its text. Taking
# the most probable token each time is called *greedy*; `temperature=0` asks for it.

# %%
same = model.complete(start, max_new_tokens=20, temperature=0)
print("Same text from the library:", text.startswith(start + same))

# %% [markdown]
# The loop plans nothing and looks nothing up. Whatever planning and knowing there is happens inside the prediction.

# %% [markdown]
# ## 4. Temperature: from one text to noise
#
# A greedy model gives the same text every time. So programs draw the next token at random, and the **temperature** T
# says how bold the draw is. Each probability is raised to the power 1/T, then all are scaled to sum to 1. (T = 0 is
# understood as greedy.)


# %%
import numpy as np


def with_temperature(probabilities, temperature):
    powered = np.array(probabilities) ** (1 / temperature)
    return powered / powered.sum()


# %%
from llama_course.models.sampling import apply_temperature

for temperature in (0.5, 1, 2):
    mine = with_temperature([0.7, 0.2, 0.1], temperature)
    library = apply_temperature([0.7, 0.2, 0.1], temperature)
    print(f"temperature {temperature}: {mine.round(2)}  same as the library's: {np.allclose(mine, library)}")

# %% [markdown]
# Below 1 the distribution becomes sharper, above 1 flatter.
#
# **Predict first.** At which temperature will a story about a llama be best to read: 0, 0.7, 1.3 or 2.5?

# %%
beginning = "There once was a llama who"
for temperature in (0, 0.7, 1.3, 2.5):
    story = model.complete(beginning, temperature=temperature, top_p=1, seed=2, max_new_tokens=30)
    print(f"temperature {temperature}: {beginning}{' '.join(story.split(chr(10)))}\n")

# %% [markdown]
# A high temperature ends in noise. Why, if every single odd token stays improbable? Because there are so many:

# %%
found = model.next_token_probabilities(beginning, k=10**6)  # more than any vocabulary holds
own = np.array([item.probability for item in found])
for temperature in (1, 2.5):
    print(f"temperature {temperature}: the 10 best tokens hold {apply_temperature(own, temperature)[:10].sum():.0%}, "
          f"the other {len(own) - 10:,} share the rest")  # fmt: skip

# %% [markdown]
# **Top-p** cuts the tail off: after the temperature is applied, keep the most probable tokens that together reach p and
# drop the others. At a high temperature these are still thousands, so lower p as well. Is there a setting that is bold
# and still makes sense? Is it the same for a poem and for a phone number?

# %%
from llama_course.widgets.sampling import SamplingPlayground

SamplingPlayground(model, beginning, seed=7)

# %% [markdown]
# ## 5. Probable is not true
#
# The model gives a probability to *any* text. **Perplexity** says how surprised it is by one: if every token had
# probability 1/8, perplexity is 8, "as unsure as between 8 tokens". For mixed probabilities it is exp of the mean of
# −ln p.

# %%
from llama_course.evaluation.perplexity import perplexity

sentences = {
    "true": "The capital of Canada is Ottawa, a city in the east of the country.",
    "false": "The capital of Canada is Toronto, a city in the east of the country.",
    "shuffled": "city is in east the of the capital Ottawa, country. Canada of a The",
}
surprise = [perplexity(model.log_probabilities(sentence)) for sentence in sentences.values()]
plots.bars(list(sentences), surprise, title="How surprising is each sentence?", xlabel="perplexity")

# %% [markdown]
# Wrong order shocks the model; one wrong word hardly moves the mean. So let us compare nothing but the endings. In
# each row the first ending is true.
#
# **Predict first.** In which rows will the *false* ending be the more probable one?

# %%
rows = [  # beginning, true ending, false ending
    ("The capital of France is", " Paris.", " Rome."),
    ("The capital of Canada is", " Ottawa.", " Toronto."),
    ("The capital of Nigeria is", " Abuja.", " Lagos."),
    ("The currency of Japan is the", " yen.", " dollar."),
    ("The tallest animal is the", " giraffe.", " elephant."),
    ("Lightning", " can strike the same place twice.", " never strikes the same place twice."),
    ("Llama 2 was released by", " Meta.", " Google."),
]

# %%
from llama_course.evaluation.endings import ending_probability
from llama_course.widgets.html import table


def false_over_true(start, true, false):
    return ending_probability(model, start, false) / ending_probability(model, start, true)


ratios = [false_over_true(*row) for row in rows]
shown = [(*row, f"{ratio:.2g}") for row, ratio in zip(rows, ratios, strict=True)]
table(shown, header=["beginning", "true", "false", "p(false) / p(true)"], numeric=[3])

# %%
preferred = [f"{start}{false}" for (start, _, false), ratio in zip(rows, ratios, strict=True) if ratio > 1]
print(f"In {len(preferred)} of {len(rows)} rows the false ending is the more probable one:")
print("\n".join(preferred))

# %% [markdown]
# A likely reason: the model learned what people write, and what is written often tends to win. Test that on the last
# row. *Flozz 2* does not exist; whom does the model name?

# %%
invented = false_over_true("Flozz 2 was released by", " Meta.", " Google.")
print(f"Google against Meta, after Llama 2: {ratios[-1]:.0f} to 1. After Flozz 2: {invented:.0f} to 1.")

# %% [markdown]
# So the row about Llama 2 says little about Llama 2: this model has a liking for Google. A probability answers "what
# would be written here?", and that is a different question from "what is the case?".
#
# **Predict first.** The same fact, asked in two ways. Will the model prefer Sydney or Canberra?

# %%
for start in ("The capital of Australia is", "Question: What is the capital of Australia?\nAnswer:"):
    ratio = false_over_true(start, " Canberra.", " Sydney.")
    print(f"{start!r}: Sydney against Canberra {ratio:.2g} to 1")
print("In a chat:", model.chat("What is the capital of Australia?", temperature=0, max_new_tokens=20))

# %% [markdown]
# One model, one fact, and the form of the question decides what you get. The chat format is the form its makers
# trained it to answer in; lesson 05 shows how that is done.

# %% [markdown]
# ## 6. When it does not know
#
# **Predict first.** What will the model say about Llama 2? Will it admit that it does not know?

# %%
for seed in range(3):
    answer = model.chat("What is Llama 2?", seed=seed, max_new_tokens=40)
    print("–", answer.replace("\n", " "), "\n")

# %% [markdown]
# A fluent falsehood is called a **hallucination**; here each seed makes up another one. Can one hear it in the model's
# voice? Let it name years, three of which it may know, and look at the probability of each digit.

# %%
events = ["The first moon landing took place in the year", "The Second World War ended in the year",
          "The Berlin Wall fell in the year", "Llama 2 was released in the year"]  # fmt: skip


def best_tokens(text, count):  # the loop of section 3, which keeps what it saw
    found = []
    for _ in range(count):
        found += model.next_token_probabilities(text + "".join(item.token.text for item in found), k=1)
    return found


# %%
digits = {event: best_tokens(event, 5)[1:] for event in events}  # a space, then a year
shown = [(event, *(f"{d.token.label} ({d.probability:.2f})" for d in row)) for event, row in digits.items()]
table(shown, header=["event", "1st digit", "2nd", "3rd", "4th"])

# %%
*known, made_up = [row[-1].probability for row in digits.values()]
if all(d.token.text.isdigit() for row in digits.values() for d in row):
    print(f"Probability of the last digit: at least {min(known):.2f} for three years, {made_up:.2f} for Llama 2.")
else:
    print(f"{model.name} does not name a year in each row. What comes next is about models that do.")

# %% [markdown]
# The text of the last answer is as firm as the others. The *probabilities* give it away: the century is safe, the
# decade doubtful (and wrong), the last digit close to a throw of dice. Who sees only the text, as in a chat window,
# cannot see that. (It is a clue, no proof: a model can be sure of a widespread error.) The year itself stands in the
# licence:

# %%
from llama_course.policy.claims import evidence

print(f"“{evidence('licence-release').quote}” ({evidence('licence-release').source})")

# %% [markdown]
# ## 7. The window
#
# A model sees only what is in its **context window**, prompt and answer together; Llama 2's holds 4,096 tokens. To
# imitate a small one, we show our model only the last 128 tokens of a story that names a llama in its first sentence,
# then ask for the name.
#
# **Predict first.** As the story grows, will the name fade little by little, or vanish at once?

# %%
days = ["It rained all week. ", "A visitor came from the coast. ", "We sold some wool. ", "We sang at night. "]
window = 128


def story(sentences):
    return "My llama is called Pedro. " + "".join(days[i % 4] for i in range(sentences)) + "My llama is called"


def visible(sentences):
    return b"".join(token.bytes for token in model.tokenize(story(sentences))[-window:]).decode()


# %%
lengths = range(4, 33, 2)
chances = [ending_probability(model, visible(n), " Pedro") for n in lengths]
plots.lines(lengths, {"Pedro": [100 * c for c in chances]}, title="Does it still know the name?",
            xlabel="sentences after the name", ylabel="probability of the name in %")  # fmt: skip

# %%
gone = next(n for n in range(100) if "Pedro" not in visible(n))
print(f"From {gone} sentences on, the name is outside the window.")
print(f"Probability of the name: at best {max(chances):.0%}, at the end {chances[-1]:.2%}.")

# %% [markdown]
# What is outside the window was never there. Simple chat programs meet this every day: when a conversation is too
# long they leave out its oldest messages. Our chat box does so too, and tells you.

# %%
from llama_course.models.interface import fit_to_context

chat = [{"role": "user", "content": "Remember this: my llama is called Pedro."}]
for question in ("What do llamas eat?", "How tall is a llama?", "What is my llama called?"):
    chat += [{"role": "assistant", "content": model.chat(chat, temperature=0, max_new_tokens=40)}]
    chat += [{"role": "user", "content": question}]

# %%
small = load_model(model.name, max_context_tokens=model.count_tokens(chat[2:]) + 24)
sent, left_out = fit_to_context(small, chat, max_new_tokens=24)
for seen, answer in {
    "everything": model.chat(chat, temperature=0, max_new_tokens=24),
    f"all but the first {left_out} messages": small.chat(sent, temperature=0, max_new_tokens=24),
}.items():
    print(f"Saw {seen}, {'mentions' if 'Pedro' in answer else 'does not mention'} Pedro: {answer}")

# %% [markdown]
# This model is too small for a good answer either way. But a name that was left out can only be guessed.
#
# ## What was he right about?
#
# As a description the phrase is accurate: the system predicts text from patterns, and you have watched it do so. The
# word to doubt is "just". A good predictor of what people write can repeat their knowledge and their errors, and a
# fluent answer does not tell you which of the two it is.

# %%
quiz("02")

# %% [markdown]
# ## What you can now explain
#
# - why the same thought can cost more tokens in one language than in another
# - what a next-token distribution is, and how a loop turns it into text
# - what temperature and top-p change, and why a high temperature ends in noise
# - why probable is not true, and where a hallucination shows and where it does not
# - what falls out of a full context window
#
# **Exercises.** [Exercises 02](../exercises/02_predicting_text.ipynb)
#
# **Sources.** Articles A4 (Axios, 19 July 2023) and A0: see [lesson 01](01_five_articles.ipynb). Top-p: Holtzman et
# al., [arXiv:1904.09751](https://arxiv.org/abs/1904.09751), section 3.1. Context length and tokenizer of Llama 2:
# Touvron et al., [arXiv:2307.09288](https://arxiv.org/abs/2307.09288), section 2. Model: SmolLM2-135M-Instruct,
# Apache-2.0.
