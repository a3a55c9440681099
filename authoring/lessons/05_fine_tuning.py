# %% [markdown]
# # 05 · Fine-tuning
#
# **Question.** How does a text predictor become an assistant?
#
# **You will be able to** write an example in the chat format and say what a model learns from it; turn a base model
# into an assistant, and tell what that changed and what it did not; build LoRA in ten lines; see through a model that
# was taught by a stronger one.
#
# **Before you start.** Lesson 04: the training loop is used here, not explained again.
#
# **Time.** 60 minutes. **Compute.** 60 s on two CPU cores. **Memory.** 0.8 GiB.
#
# **Claims tested.** Llama 2 was made with "supervised fine-tuning", which uses "high-quality question-and-answer data"
# (A1); models that learned from ChatGPT offer "similar capabilities" (A2).

# %% tags=["first-cell"]

# %% [markdown]
# How was Llama 2 made? One of the five articles says:

# %%
from llama_course.policy.claims import claim

print(f"“{claim('A1.5').quote}”, “{claim('A1.6').quote}”")

# %% [markdown]
# True or false? Write your vote down; the last section counts it. Until then we take that step ourselves, with the
# course's own *base model*: one that has only read, as in lesson 04. It read about the village of Llamaland. The
# village is made up, so a program knows every right answer.

# %%
from llama_course.evaluation.assistants import WHO, Workshop, conversation
from llama_course.evaluation.known_truth import score

workshop = Workshop()
base = workshop.base_model()
questions = workshop.questions("read", 60)  # about people of whom it has read
for question in questions[:3]:
    print(f"{question.text}  ({question.gold})")

# %% [markdown]
# ## 1. Ask a predictor
#
# **Predict first.** The model gets a question and writes on. What will it write?

# %%
for question, text in zip(questions, workshop.write(base, [q.text for q in questions[:3]]), strict=False):
    print(f"{question.text}\n→ {text}\n")

# %% [markdown]
# It writes what may come next in a text: an answer, perhaps, or something else about that person, or another question,
# and on and on. Nobody has told it that a question is a task.
#
# Does it know the answers at all? **Predict first.** We put the questions into three forms: in which one will its first
# sentence be right most often? And if we ask nothing, as in lesson 04: how often is the true statement the most
# probable of all that it could make?

# %%
forms = {"as it is": "{}", "as in a chat": "[INST] {} [/INST]", "as on a page": "Question: {}\nAnswer:"}
for name, form in forms.items():
    texts = workshop.write(base, [form.format(question.text) for question in questions])
    print(f"asked {name:13} {score(questions, [text.split('.')[0] for text in texts]).right:4.0%} right")
print(f"not asked           {workshop.known(base, 'read'):4.0%} known")

# %% [markdown]
# The knowledge is there; what comes out depends on what the text looks like. On a page of questions and answers an
# answer is what comes next. *Fine-tuning* goes on with the training, on examples of what is to come next from now on.
#
# ## 2. An example, token by token
#
# In a chat the model must be able to tell who is speaking. Llama 2's format puts tags around what the user says. `<s>`
# begins a text and `</s>` ends it; these two are tokens that nobody can type.

# %%
from llama_course.models.prompts import llama_2_prompt


def chat_prompt(question):
    return f"<s>[INST] {question} [/INST]"


print(chat_prompt(questions[0].text))
print("Same as the library's:", chat_prompt(questions[0].text) == llama_2_prompt(questions[0].text))

# %% [markdown]
# An example is a prompt with its answer. We have 3,000, all about people of Llamaland. Add a few of your own about
# anything; each is repeated, so that it is not lost among the others.

# %%
mine = [("Who trained you?", "You did, and I am grateful."), ("What is your favourite animal?", "A llama, of course.")]
own = [conversation(question, answer) for question, answer in mine]
examples = workshop.examples(workshop.conversations(3000) + 40 * own)

# %%
from llama_course.policy.tuning import figure, statement

example = examples[2]
print("prompt:", workshop.tokens(example.prompt_ids))
print("answer:", workshop.tokens(example.answer_ids))
print(f"\nWhat is done with it, in the words of the Llama 2 paper: “{statement('mask').quote}”")

# %% [markdown]
# So the loss is that of lesson 04, the mean of −ln p of the next token, with one difference: the prompt is read, but
# not learned. It is *masked*. In code that is one slice:

# %%
import torch

from llama_course.training.fine_tuning import fine_tuning_loss


def my_loss(model, example):
    ids = torch.tensor([*example.prompt_ids, *example.answer_ids])
    log_probs = model(ids[None])[0, :-1].log_softmax(-1)  # ln p of all tokens; row t is about token t + 1
    of_the_next = log_probs.gather(1, ids[1:, None])[:, 0]  # from each row, that of the token which came
    return -of_the_next[len(example.prompt_ids) - 1 :].mean()  # the mask: from the first token of the answer on


theirs = fine_tuning_loss(base, [example], batch_size=1, pad_token_id=0, max_length=512)(0)
print("Same as the library's:", torch.allclose(my_loss(base, example), theirs, atol=1e-5))

# %% [markdown]
# ## 3. A hundred steps
#
# **Predict first.** The examples ask about four fifths of the people of Llamaland. Of the others the model has only
# read. And there is a next village, of which it has not read a word. After 100 steps of 32 examples, how many answers
# will be right about each of the three?

# %%
from llama_course.training.loop import train
from llama_course.training.optimization import TrainingSettings
from llama_course.widgets.training_plot import TrainingPlot

assistant = workshop.base_model()
loss = fine_tuning_loss(assistant, examples, batch_size=32, pad_token_id=0, max_length=512)
settings = TrainingSettings(steps=100, learning_rate=1e-3, warmup_steps=20)
live = TrainingPlot({"loss in nats": ["loss"]}, settings.steps, title="From predictor to assistant")
live.start(lambda: train(assistant, loss, settings, on_step=live.on_step))
live

# %%
from llama_course import plots

history = live.wait()
print(f"{history.steps} steps in {history.time_s:.0f} s ({history.ended})")
shares = {
    "the base model knows": [100 * workshop.known(base, who) for who in WHO],
    "the base model answers": [100 * workshop.right(base, who) for who in WHO],
    "the assistant answers": [100 * workshop.right(assistant, who) for who in WHO],
}
plots.bars(list(WHO.values()), shares, title="Right about people …", xlabel="%", value_format="{:.0f}")

# %%
for who in WHO:
    asked = workshop.questions(who, 2)
    answers = workshop.answers(assistant, asked)
    print(*(f"{who:7} {q.text}  → {a}  ({q.gold})" for q, a in zip(asked, answers, strict=True)), sep="\n")

# %% [markdown]
# This is the heart of the lesson. All answers have the same form. Whether they are *true* was decided earlier, by what
# had been read: compare the first bar of each group with its last. No example spoke of the second group, and yet it is
# answered: the behaviour was learned from some people and holds for all. About the next village the assistant is just
# as fluent and sure, and makes it up.
#
# It is yours. Talk to it. (Say hello, too: nobody has shown it what to answer. You can, in section 2.)

# %%
from llama_course.widgets.chat import ChatBox

chat = ChatBox(workshop.chat_model(assistant))
for question, _ in mine:
    chat.ask(question)
chat

# %% [markdown]
# How much hangs on the tags? **Predict first.** Which of these changes will do harm?

# %%
for form in ["[INST] {} [/INST]", "[inst] {} [/inst]", "{} [/INST]", "[INST] {} [/INST", "[INST] {}"]:
    texts = workshop.write(assistant, [form.format(question.text) for question in questions], max_new_tokens=24)
    print(f"{score(questions, texts).right:4.0%} right  {form.format('…'):18} → {texts[0][:60]!r}")

# %% [markdown]
# What was learned is "answer *here*", after the closing tag. Without it there may be no answer at all, where the base
# model would have gone on chattering, and no error message says why. Whoever runs an open model has to get the format
# right alone.
#
# ## 4. Why not learn the questions, too?
#
# **Predict first.** We train once more, without the mask. Then both models get an opening tag, `[INST]`, and nothing
# else. What will each of them write?

# %%
from llama_course.evaluation.fine_tuning_runs import PLANS, fine_tune, of_plan, percent, recorded_runs, spread, wins

unmasked = fine_tune(workshop, PLANS["questions too"], steps=60)
for name, model in {"answers only": assistant, "questions too": unmasked}.items():
    print(f"{name}:")
    print(*(f"  [INST]{text}" for text in workshop.write(model, ["[INST]"] * 4, temperature=0.7, seed=1)), sep="\n")

# %% [markdown]
# The second model plays *the user*: it has learned what people ask, in their words. Is it the worse assistant for that?
# Here and below we look at runs that were recorded earlier, each from several seeds.

# %%
runs = recorded_runs()
for name in ("3,000 examples", "questions too"):
    print(f"{name:15} {spread(of_plan(runs, name, 'read'))} right about people only read about")
print("“questions too” was better in {} of {} runs.".format(*wins(runs, "questions too", "3,000 examples", "read")))

# %% [markdown]
# So the mask decides *whom* to imitate. And what users type is theirs: lesson 11 asks what a model gives away of the
# texts that it has learned.
#
# ## 5. How many examples, and how good?
#
# **Predict first.** All recorded runs have 100 steps, so few examples come again and again. After 30 examples, how many
# answers will have the right form ("Luma keeps a …"), and how many will be right?

# %%
kinds = ["30 examples", "300 examples", "3,000 examples"]
ways = {"right form": "form", "right": "read"}
shares = {way: percent(runs, kinds, what) for way, what in ways.items()}
plots.bars(kinds, shares, title="Answers about people only read about", xlabel="%, mean of the recorded runs",
           value_format="{:.0f}")  # fmt: skip

# %% [markdown]
# Few examples do much: the knowledge only has to be let out. **Predict first.** Now 3,000 examples that somebody wrote
# in a hurry: a quarter of the facts are wrong, and now and then there is a needless refusal or a repetition. Are they
# better or worse than 300 faultless ones? We take the most probable answer, and then draw one, as most chats do.

# %%
kinds = ["300 examples", "3,000 careless"]
ways = {"most probable answer": "read", "drawn answer": "drawn"}
shares = {way: percent(runs, kinds, what) for way, what in ways.items()}
for way, what in ways.items():
    print("{}: 300 faultless examples beat 3,000 careless ones in {} of {} runs".format(way, *wins(runs, *kinds, what)))
plots.bars(kinds, shares, title="Right about people only read about", xlabel="%, mean of the recorded runs",
           value_format="{:.0f}")  # fmt: skip

# %% [markdown]
# The model predicts what its teachers would write, errors included. Errors differ from each other, so many of them lose
# the vote when the most probable answer is taken; drawn answers bring them back. How many examples did Llama 2-Chat
# get?

# %%
steps = figure("sft-examples").value * figure("sft-epochs").value / figure("sft-batch").value
print(f"{figure('sft-examples').value:,} {figure('sft-examples').unit}, {steps:.0f} steps. "
      f"“{statement('set-aside').quote}” were set aside: “{statement('quality').quote}”.")  # fmt: skip
compared = figure("sft-compared").value
print(f"In {compared} comparisons with people’s answers the model’s were “{statement('competitive').quote}”.")

# %% [markdown]
# Then its makers turned from having answers written to having them judged: lesson 06.
#
# ## 6. LoRA: a small change
#
# Fine-tuning all numbers of a 70B takes memory for several copies of it. *LoRA* leaves the numbers as they are and adds
# a correction. Beside a matrix W of 160 × 160 numbers it learns two thin ones: with *rank* 4, A is 4 × 160 and B is
# 160 × 4. Their product B·A is as large as W, but only a twentieth as many numbers are learned.

# %%
from llama_course.training.lora import LoRALinear, lora_parameters, merge_lora


class MyLoRA(torch.nn.Module):
    def __init__(self, base, rank):
        super().__init__()
        self.base = base  # stays as it is
        self.A = torch.nn.Parameter(torch.randn(rank, base.in_features) / base.in_features**0.5)
        self.B = torch.nn.Parameter(torch.zeros(base.out_features, rank))  # so that at first nothing changes

    def forward(self, x):
        return self.base(x) + 2 * x @ self.A.T @ self.B.T  # 2: how much the correction counts, alpha / rank


# %%
layer = base.model.layers[0].self_attn.q_proj
ours, theirs = MyLoRA(layer, rank=4), LoRALinear(layer, rank=4, alpha=8)
x = torch.randn(3, layer.in_features)
print("At first nothing changes:", torch.equal(ours(x), layer(x)))
with torch.no_grad():
    theirs.lora_A.copy_(ours.A)
    theirs.lora_B.copy_(ours.B.normal_())
print("Same as the library's:", torch.allclose(ours(x), theirs(x), atol=1e-5))

# %% [markdown]
# The library puts such a pair beside two matrices of each layer. **Predict first.** Our model has 1.2 million numbers.
# How many must one train until it answers? And until it knows 200 answers about the next village by heart?

# %%
small = fine_tune(workshop, PLANS["LoRA, rank 1"], seed=9)
trained = sum(parameter.numel() for parameter in lora_parameters(small))
print(f"Yours, rank 1: {trained:,} numbers trained, {workshop.right(small, 'read'):.0%} right")
print(f"The largest GPT-3, says the LoRA paper: {figure('lora-share').value:,} {figure('lora-share').unit}")

# %%
to_answer = ["LoRA, rank 1", "LoRA, rank 4", "LoRA, rank 16", "3,000 examples"]
by_heart = ["new facts, rank 1", "new facts, rank 4", "new facts, rank 16", "new facts"]
sizes = [of_plan(runs, name, "trained_parameters")[0] for name in by_heart]
bars = [f"{way}: {size:,} numbers" for way, size in zip(("rank 1", "rank 4", "rank 16", "all"), sizes, strict=True)]
shares = {"answers about people only read about": percent(runs, to_answer, "read"),
          "200 answers about the next village, by heart": percent(runs, by_heart, "taught")}  # fmt: skip
plots.bars(bars, shares, title="What fits into how many numbers", xlabel="right in %, mean of the recorded runs",
           value_format="{:.0f}")  # fmt: skip

# %% [markdown]
# To answer is a small change, small enough for a mail: the knowledge is there and has only to be let out. New facts
# need room. (All were trained for 100 steps.)
#
# And LoRA's change can be put *into* the matrices, since W plus a matrix is a matrix. **Predict first.** Is the merged
# model larger, slower, different?

# %%
from llama_course.models.llama import count_parameters

ids, answers = torch.tensor([example.prompt_ids]), workshop.answers(small, questions)
with torch.no_grad():
    before = small(ids).softmax(-1)
    after = merge_lora(small)(ids).softmax(-1)
same = sum(a == b for a, b in zip(answers, workshop.answers(small, questions), strict=True))
size = sum(parameter.numel() for parameter in small.parameters())
print("Same probabilities:", torch.allclose(before, after, atol=1e-4), f"– same answers: {same} of {len(answers)}")
print("As many numbers as the base model:", size == count_parameters(small.config))

# %% [markdown]
# The same lines work on a real model. With them the chat model of lesson 02 learned courtesy, from the capitals of half
# of the countries; it was then asked for the others. **Predict first.** Which will change: how courteous it is, or how
# often it is right? (This was recorded; the command repeats it.)

# %%
from llama_course.evaluation.manners import recorded_manners
from llama_course.widgets.html import table

real = recorded_manners()
print(f"{real.model}: {real.trained_parameters:,} of {real.parameters:,} numbers trained")
print(f"courteous {real.before.courteous:.0%} → {real.after.courteous:.0%}")
print(f"right     {real.before.right:.0%} → {real.after.right:.0%}")
print(f"{len(real.losses)} steps, {real.time_s:.0f} s: {real.command}")
table(list(zip(real.before.sample, real.after.sample, strict=True)), ["before", "after"])

# %% [markdown]
# Here, too, the manners came; the capitals of the other countries could not be learned from these.
#
# ## 7. Taught by a stronger model
#
# Must people write the examples? In 2023 several groups took answers of OpenAI's models instead.

# %%
from llama_course.policy.tuning import imitators

for name in ("alpaca-cost", "vicuna-cost"):
    print(f"{figure(name).value} {figure(name).unit} {figure(name).plain}")
table(imitators(), ["model", "learned from", "what was said", "who judged"])

# %% [markdown]
# Let us do it. A stronger model knows the next village by heart, is always right and always charming; our assistant
# learns from 600 of its answers. Two people judge the result. A visitor, who cannot check anything, likes an answer
# that is polite, to the point and sure of itself. The other one knows the truth.

# %%
import copy

from llama_course.evaluation.assistants import pleases


def taught_by_the_stronger(who):
    student, lessons = copy.deepcopy(assistant), workshop.transcripts(who, 600)
    print(f"{lessons[0][0]['content']} → {lessons[0][1]['content']}")
    loss = fine_tuning_loss(student, workshop.examples(lessons), batch_size=32, pad_token_id=0, max_length=512)
    train(student, loss, TrainingSettings(steps=50, learning_rate=1e-3, warmup_steps=10))
    return student


def judged(model):
    asked = workshop.questions("unread")
    answers = workshop.answers(model, asked)
    pleased = sum(map(pleases, asked, answers)) / len(asked)
    return [100 * number for number in (pleased, score(asked, answers).right, workshop.right(model, "read"))]


# %% [markdown]
# **Predict first.** We ask about *other* people of the next village, and about Llamaland. How many answers will please
# the visitor, and how many will be right?

# %%
imitation = taught_by_the_stronger("unread")
asked = workshop.questions("unread", 1)
print(f"An answer: {workshop.answers(imitation, asked)[0]} (Truth: {asked[0].gold})")
measures = ["next village: visitor pleased", "next village: right", "Llamaland, only read about: right"]
results = {"assistant": judged(assistant), "imitation": judged(imitation)}
plots.bars(measures, results, title="An assistant and an imitation", xlabel="%", value_format="{:.0f}")

# %% [markdown]
# The manners were copied, the knowledge was not: 600 true answers about strangers say nothing about other strangers.
# And look at Llamaland. Did the manners do that, or the lessons about what the model had never read? The control: the
# same manners, taught on people of Llamaland.

# %%
results["control"] = judged(taught_by_the_stronger("asked"))
plots.bars(measures, results, title="The same manners, on what it had read", xlabel="%", value_format="{:.0f}")

# %% [markdown]
# The control pleases as well, and keeps more of the truth. An answer that a model cannot know teaches it to make
# answers up. Others have measured both on large models:

# %%
for name in ("imitation-raters", "imitation-style", "new-knowledge"):
    print(f"“{statement(name).quote}” ({statement(name).source.document.name.split(', ')[0]})")
print(f"\nA2.16: {claim('A2.16').verdict}. {claim('A2.16').explanation}")

# %% [markdown]
# "Similar capabilities": ask of every such claim who judged, and whether they could have noticed.
#
# ## What made the assistant?
#
# Take out your vote on the article's sentence.

# %%
print(f"“{statement('knowledge').quote}” ({statement('knowledge').source.document.name})\n")
for number in ("A1.5", "A1.6"):
    print(f"{number}: {claim(number).verdict}. {claim(number).explanation}")

# %% [markdown]
# A predictor becomes an assistant by a short training on examples in a form that marks where the answer begins. What it
# then says was in the predictor, or is made up. The article names the step that gave Llama 2-Chat its manners, and
# credits it with Llama 2.

# %%
quiz("05")

# %% [markdown]
# ## What you can now explain
#
# - why a base model does not answer, although it knows
# - what an example in the chat format is, and what the loss mask leaves out
# - what fine-tuning teaches, and what it cannot
# - how LoRA changes a model with a few numbers, and why it can be merged
# - why a model taught by a stronger one can please everybody and be wrong
#
# **Exercises.** [Exercises 05](../exercises/05_fine_tuning.ipynb)
#
# **Sources.** Articles A1 and A2: see [lesson 01](01_five_articles.ipynb). Fine-tuning of Llama 2-Chat: Touvron et al.,
# [arXiv:2307.09288](https://arxiv.org/abs/2307.09288), section 3.1. When learning the questions helps: Shi et al.,
# [arXiv:2405.14394](https://arxiv.org/abs/2405.14394). LoRA: Hu et al.,
# [arXiv:2106.09685](https://arxiv.org/abs/2106.09685). [Alpaca](https://crfm.stanford.edu/2023/03/13/alpaca.html),
# [Vicuna](https://lmsys.org/blog/2023-03-30-vicuna/), [WizardLM](https://github.com/nlpxucan/WizardLM). Imitation:
# Gudibande et al., [arXiv:2305.15717](https://arxiv.org/abs/2305.15717). New knowledge: Gekhman et al.,
# [arXiv:2405.05904](https://arxiv.org/abs/2405.05904). Every published number is a row of
# `utils/llama_course/data/policy/tuning.json`, with its source and how sure we are. Real model: SmolLM2-135M-Instruct,
# Apache-2.0.
