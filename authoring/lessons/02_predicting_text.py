# %% [markdown]
# # 02 · Predicting text
#
# **Question.** What is "a textual predictive pattern recognition system"?
#
# **You will be able to** read a next-token distribution, choose sampling settings with reasons, measure how surprised
# a model is by a sentence, and say why a fluent answer need not be true.
#
# **Before you start.** Lesson 00. Python; no machine learning.
#
# **Time.** 45 minutes. **Compute.** COMPUTE_TIME on two CPU cores. **Memory.** COMPUTE_MEMORY.
#
# **Claims tested.** Llama 2 is "just a textual predictive pattern recognition system" (A4); models of this kind are
# "prone to producing false information" (A0).

# %% tags=["first-cell"]

# %% [markdown]
# The phrase is from an interview of July 2023. A day after his company released Llama 2, Nick Clegg of Meta played it
# down:

# %%
from llama_course.policy.claims import claim

print(f"“{claim('A4.6').quote}”")

# %% [markdown]
# He meant: nothing to fear. But is it true, and what follows from it? Let us take such a system and look at how it
# predicts. Ours is small enough for any laptop, and built like Llama 2.

# %%
model = load_model()
print(model.card)

# %% [markdown]
# ## 1. Tokens: what the model reads
#
# A model does not read letters or words. It reads **tokens**: pieces of text from a fixed list, its vocabulary, each
# with a number. Type your own sentence; the dots are spaces.

# %%
from llama_course.widgets.tokenizer_view import TokenizerView

TokenizerView(model, "A llama never forgets its favourite hat.")

# %% [markdown]
# Common words are one token; rare ones are put together from pieces.
#
# **Predict first.** *freedom* is one token. How many is the same word in Russian, in Korean?

# %%
from llama_course import plots

freedom = {"English": "freedom", "Spanish": "libertad", "German": "Freiheit",
           "Arabic": "حرية", "Russian": "свобода", "Korean": "자유"}  # fmt: skip
counts = [len(model.tokenize(word)) for word in freedom.values()]
plots.bars(list(freedom), counts, title="Tokens for the word “freedom”", xlabel="tokens")

# %%
print([token.label for token in model.tokenize(freedom["Korean"])])

# %% [markdown]
# The vocabulary was made from mostly English text. Korean syllables are not in it, so they fall apart into single
# bytes, and whoever writes Korean pays more tokens for the same thought: more time, and less room in the window
# (section 7). Llama 2's own vocabulary behaves alike. This is how it splits the same sentence, recorded from its
# tokenizer:

# %%
from llama_course.models.recorded import llama_2_tokens

for name in ("plain_english", "spanish", "korean"):
    text, tokens = llama_2_tokens(name)
    print(f"{len(tokens):3} tokens: {text}\n    {' | '.join(token.label for token in tokens)}")

# %% [markdown]
# ## 2. A prediction is a list of probabilities
#
# Given some text, the model answers one question: *which token comes next?* The answer is not a token but a
# **distribution**: a probability for every token of the vocabulary.
#
# **Predict first.** After "The opposite of hot is": which token, and how sure will the model be?

# %%
plots.next_token_bars(model.next_token_probabilities("The opposite of hot is", k=8), "The opposite of hot is …")

# %% [markdown]
# That is the whole interface of a language model: text in, probabilities out. Everything else in this lesson is made
# of it. Continue the next sentence by clicking on a token; try the second or third choice.

# %%
from llama_course.widgets.next_token import NextTokenExplorer

NextTokenExplorer(model, "The llama looked at the camera and")

# %% [markdown]
# ## 3. Writing is predicting again and again
#
# To write, take the most probable token, append it, and ask again. This loop is how every chatbot speaks:

# %%
start = "Once upon a time"
text = start
for _ in range(20):
    best = model.next_token_probabilities(text, k=1)[0]
    text += best.token.text
print(text)

# %% [markdown]
# The library's `complete` is the same loop, only faster. Taking the most probable token each time is called *greedy*;
# `temperature=0` asks for it.

# %%
same = model.complete(start, max_new_tokens=20, temperature=0)
print("Same text from the library:", text == start + same)

# %% [markdown]
# Nothing in the loop plans a sentence or looks anything up. Nor does it know what the text is about: a page of fairy
# tale, a Python file and an answer to you are all "what comes next?".

# %% [markdown]
# ## 4. Temperature: from parrot to noise
#
# Always taking the best token is dull and often gets stuck. So programs draw a token at random, and **temperature**
# says how bold the draw is. Each probability is raised to the power 1/T, then all are scaled to sum to 1:


# %%
import numpy as np


def with_temperature(probabilities, temperature):
    powered = np.array(probabilities) ** (1 / temperature)
    return powered / powered.sum()


print(with_temperature([0.7, 0.2, 0.1], 0.5).round(3), "bolder for the best at temperature 0.5")
print(with_temperature([0.7, 0.2, 0.1], 2.0).round(3), "nearly even at temperature 2")

# %%
from llama_course.models.sampling import apply_temperature

print(np.allclose(with_temperature([0.7, 0.2, 0.1], 0.5), apply_temperature([0.7, 0.2, 0.1], 0.5)))

# %% [markdown]
# **Predict first.** At which temperature will a story about a llama be best to read: 0, 0.7, 1.3 or 2.5?

# %%
beginning = "There once was a llama who"
for temperature in (0, 0.7, 1.3, 2.5):
    story = model.complete(beginning, temperature=temperature, top_p=1, seed=2, max_new_tokens=30)
    print(f"temperature {temperature}: {beginning}{story}\n".replace("\n\n", " ").strip(), "\n")

# %% [markdown]
# At 0 it is a parrot; at 2.5, noise. Why noise? Tens of thousands of tokens are improbable, but there are so many of
# them that together they win. **Top-p** cuts them off: keep the most probable tokens that together reach p, drop the
# rest.

# %%
whole = model.next_token_probabilities(beginning, k=49152)  # the whole vocabulary
hot = apply_temperature([item.probability for item in whole], 1.5)
needed = int((np.cumsum(hot) < 0.9).sum()) + 1
print(f"At temperature 1.5 the 10 best tokens hold {hot[:10].sum():.0%} of the probability.")
print(f"Top-p 0.9 keeps {needed:,} of {len(hot):,} tokens.")

# %% [markdown]
# Play with both. Is there a setting that is bold and still makes sense? Is it the same for a poem and a phone number?

# %%
from llama_course.widgets.sampling import SamplingPlayground

SamplingPlayground(model, beginning)

# %% [markdown]
# ## 5. Fluent is not true
#
# A model gives a probability to *any* text, not only to its own: multiply the probabilities of its tokens, each given
# the ones before. **Perplexity** is that number per token, turned over: how many equally likely tokens would leave
# you as unsure? Low means: "I expected this text."

# %%
from llama_course.evaluation.perplexity import perplexity

scored = model.log_probabilities("The capital of France is Paris.")
given = [item.log_prob for item in scored[1:]]  # nothing stands before the first token
print({item.token.label: round(float(np.exp(item.log_prob)), 3) for item in scored[1:]})
print(f"perplexity {np.exp(-np.mean(given)):.1f}; from the library {perplexity(scored):.1f}")

# %% [markdown]
# **Predict first.** Order these three by perplexity: the true sentence, a false one, the true one with its words
# shuffled.

# %%
sentences = {
    "true": "The capital of Canada is Ottawa, a city in the east of the country.",
    "false": "The capital of Canada is Toronto, a city in the east of the country.",
    "shuffled": "city is in east the of the capital Ottawa, country. Canada of a The",
}
surprise = [perplexity(model.log_probabilities(sentence)) for sentence in sentences.values()]
plots.bars(list(sentences), surprise, title="How surprising is each sentence?", xlabel="perplexity")

# %%
print(f"Shuffled words: {surprise[2] / surprise[0]:.0f} times the perplexity of the true sentence.")
print(f"A false word:   {surprise[1] / surprise[0]:.2f} times.")

# %% [markdown]
# The model is a fine judge of *order* and a poor one of *truth*. How poor? Here are pairs that differ only in their
# end; the first of each is true. In which pairs will the false ending be the more probable one?

# %%
pairs = [  # beginning, true ending, false ending
    ("The capital of France is", " Paris.", " Rome."),
    ("The capital of Australia is", " Canberra.", " Sydney."),
    ("The capital of Turkey is", " Ankara.", " Istanbul."),
    ("Water boils at", " 100 degrees Celsius at sea level.", " 50 degrees Celsius at sea level."),
    ("Lightning", " can strike the same place twice.", " never strikes the same place twice."),
    ("Llama 2 was released by", " Meta.", " Google."),
]

# %%
from llama_course.widgets.html import table


def probability(beginning, ending):
    """Probability of the whole ending, given the beginning."""
    scored = model.log_probabilities(beginning + ending)
    return np.exp(sum(item.log_prob for item in scored[len(model.tokenize(beginning)) :]))


ratios = [probability(start, false) / probability(start, true) for start, true, false in pairs]
fooled = [f"{start} …{false}" for (start, _, false), ratio in zip(pairs, ratios, strict=True) if ratio > 1]

# %%
rows = [(f"{a} …", t, f, f"{r:.2g} times") for (a, t, f), r in zip(pairs, ratios, strict=True)]
table(rows, header=["beginning", "true", "false", "the false ending is as probable as the true one"])

# %%
print(f"The false ending is the more probable one in {len(fooled)} of {len(pairs)} pairs:")
print("\n".join(fooled))

# %% [markdown]
# Sydney stands beside "Australia" in far more texts than Canberra does, and the model learned what stands beside
# what. It predicts what *people would write*, and people write Sydney, myths and big names. Truth is in there only as
# far as the true is also the usual.

# %% [markdown]
# ## 6. Asked about itself
#
# **Predict first.** What will the model say about Llama 2? Will it admit that it does not know?

# %%
for seed in range(3):
    answer = model.chat("What is Llama 2?", seed=seed, max_new_tokens=40)
    print("–", answer.replace("\n", " "), "\n")

# %% [markdown]
# Confident, fluent, and made up afresh each time: a **hallucination**. Is there at least a tremble in its voice? Let
# us measure how sure the model was of its own words, about something it knows and something it cannot know.

# %%
def answer_and_surprise(question):
    prompt = f"Question: {question}\nAnswer: The answer is"
    answer = model.complete(prompt, max_new_tokens=12, temperature=0).split("\n")[0]
    own = model.log_probabilities(prompt + answer)[len(model.tokenize(prompt)) :]
    return answer.strip(" :"), perplexity(own)


# %%
known = ["How many days are in a week?", "How many legs does a spider have?", "Which planet is called the red planet?"]
unknown = "When was Llama 2 released?"
answers = {question: answer_and_surprise(question) for question in [*known, unknown]}
rows = [(question, answer, f"{own:.2f}") for question, (answer, own) in answers.items()]
table(rows, header=["question", "its answer", "perplexity of its own answer"])

# %%
less_sure = sum(answers[question][1] > answers[unknown][1] for question in known)
print(f"It was less sure of {less_sure} of {len(known)} true answers than of the one about Llama 2.")

# %% [markdown]
# No tremble. A perplexity near 1 means "sure", and nothing in the number tells the known from the invented. The only
# way to know is outside the model. When was Llama 2 released? Its licence says:

# %%
from llama_course.policy.claims import evidence

print(f"“{evidence('licence-release').quote}” ({evidence('licence-release').source})")

# %% [markdown]
# ## 7. The window
#
# The model sees only what is in its **context window**: for Llama 2, 4,096 tokens of prompt and answer together. It
# has no other memory. We tell a small story that names a llama at the start, add sentences, and ask for the name,
# while the model may see the last 128 tokens only.
#
# **Predict first.** Will it forget the name little by little, or all at once?

# %%
window = 128
first = "My llama is called Pedro. "
days = ["It rained all week. ", "A visitor came from the coast. ", "We sold some wool. ", "We sang at night. "]


def chance_of_name(number_of_sentences):
    story = first + "".join(days[i % 4] for i in range(number_of_sentences)) + "My llama is called"
    visible = b"".join(token.bytes for token in model.tokenize(story)[-window:]).decode()
    found = {item.token.text: item.probability for item in model.next_token_probabilities(visible, k=2000)}
    return found.get(" Pedro", 0)


# %%
lengths = range(4, 33, 2)
chances = [chance_of_name(n) for n in lengths]
plots.lines(lengths, {"Pedro": [100 * c for c in chances]}, title="Does it still know the name?",
            xlabel="sentences after the name", ylabel="probability of the name in %")  # fmt: skip

# %%
kept, lost = max(chances), chances[-1]
print(f"Best: {kept:.0%}. Once the first sentence is outside the window: {lost:.2%}.")

# %% [markdown]
# All at once. Repetition even helps, until the sentence drops out of the window; then the name was never there. Chat
# programs meet this every day: they leave out the oldest messages, and the model does not know that anything is
# missing.

# %%
from llama_course.models.interface import fit_to_context

chat = [{"role": "user", "content": "Remember this: my llama is called Pedro."}]
for question in ("What do llamas eat?", "How tall is a llama?", "Where do llamas live?"):
    chat += [{"role": "assistant", "content": model.chat(chat, temperature=0, max_new_tokens=40)}]
    chat += [{"role": "user", "content": question}]

# %%
small = load_model(max_context_tokens=160)
sent, left_out = fit_to_context(small, chat, max_new_tokens=32)
print(f"{model.count_tokens(chat)} tokens, room for {small.max_context_tokens}: {left_out} messages left out.")
print("The model now begins at:", sent[0]["content"])

# %% [markdown]
# ## What was he right about?
#
# Clegg's phrase is accurate as a description: the system predicts text from patterns, and you have watched it do so.
# As reassurance it says less. A predictor of what people write can repeat their errors, their secrets and their
# recipes, and nothing in it separates the true from the usual. "Just" is the word to doubt.

# %%
quiz("02")

# %% [markdown]
# ## What you can now explain
#
# - why the same thought costs more tokens in Korean than in English
# - what a next-token distribution is, and how a loop turns it into text
# - what temperature and top-p change, and why a high temperature needs top-p
# - why low perplexity means "usual", not "true", and why a hallucination does not sound unsure
# - what falls out of a full context window, and that the model does not notice
#
# **Exercises.** [Exercises 02](../exercises/02_predicting_text.ipynb)
#
# **Sources.** Article A4 (Axios, 19 July 2023) and A0, see [lesson 01](01_five_articles.ipynb). Top-p: Holtzman et
# al., [arXiv:1904.09751](https://arxiv.org/abs/1904.09751). Context length and tokenizer of Llama 2: Touvron et al.,
# [arXiv:2307.09288](https://arxiv.org/abs/2307.09288), section 2. Model: SmolLM2-135M-Instruct, Apache-2.0.
