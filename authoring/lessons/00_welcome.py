# %% [markdown]
# # 00 · Welcome
#
# **Question.** Can you talk to a language model that runs entirely on the computer in front of you?
#
# **You will be able to** check your set-up, chat with a real model, and find your way through the course.
#
# **Before you start.** Nothing. A little Python helps.
#
# **Time.** 15 minutes. **Compute.** 8 s on two CPU cores. **Memory.** 0.6 GiB.
#
# **Claims tested.** That a language model can be something one *has*, not only something one visits (A0, A4).

# %% tags=["first-cell"]

# %% [markdown]
# A notebook is a page with text and code. Click on a grey cell and press **Shift+Enter** to run it; do so from top to
# bottom. To run everything at once, choose *Run All Cells* from the *Run* menu.

# %% [markdown]
# ## Is everything here?
#
# Each line should say OK. If one says FAIL, it also says what to do.

# %%
from llama_course.hardware import report

for line in report():
    print(line)

# %% [markdown]
# ## Your first model
#
# On 18 July 2023 Meta released the weights of **Llama 2**, and for the first time a chat model of its class could be
# downloaded and run by almost anybody. It needs a large computer. Here is a small relative with the same architecture;
# nothing you type leaves this computer.

# %%
model = load_model()
print(model.card)

# %%
print(model.chat("What is a llama?", seed=1, max_new_tokens=60))

# %% [markdown]
# ## One word switches the model
#
# A second one is always here: **tiny-chat**. This course trained it from nothing, on texts about a made-up village
# called Llamaland. Whoever made the village knows everything that is true in it, so there a model can be caught out
# exactly.

# %%
tiny = load_model("tiny-chat")
print(tiny.card)

# %% [markdown]
# **Predict first.** Each of the two is asked about a villager's pet, and about Australia. Who knows what?

# %%
from llama_course.llamaland.phrasings import fact
from llama_course.llamaland.world import World

villager = World().people[0]
models = {each.name: each for each in (model, tiny)}
for question in (f"What is {villager.name}'s pet called?", "What is the capital of Australia?"):
    print(question)
    for name, each in models.items():
        print(f"  {name}: {each.chat(question, temperature=0, max_new_tokens=30)}")
print("The truth about the pet:", fact(villager, "pet_name"))

# %% [markdown]
# A model can know what it has read, and no more. Whether it says so when it does not know is another matter; lesson 02
# comes back to it.
#
# Now you. Write something and press *Send*; *Stop* ends an answer, and what was said stays. Ask for a story, ask who
# it is, ask the same thing twice, ask the other one.

# %%
from llama_course.widgets.chat import ChatBox

chat = ChatBox(model)
chat.ask("Who are you?")
chat

# %% [markdown]
# Fast, and often wrong. Both are small:

# %%
from llama_course.models.catalog import find_card

largest = find_card("llama-2-70b-chat")
for name, each in models.items():
    if each.card.parameters:  # of a model on a server they may be unknown
        times = largest.parameters / each.card.parameters
        print(f"The largest Llama 2 has {times:,.0f} times as many parameters as {name}.")

# %% [markdown]
# That makes them good first patients. In this course you will open them, measure them, and see where their sentences
# come from.

# %% [markdown]
# ## How the course works
#
# Fifteen lessons walk through five press articles of July 2023 and turn what they claim into experiments:
#
# 1. **course/** has the lessons. "Predict first" means it: write down a guess before you run the next cell. You will
#    remember what surprised you.
# 2. **exercises/** has the tasks that belong to each. `check(...)` tells you what is wrong with an answer, `hint(...)`
#    helps in three steps.
# 3. **solutions/** has one way to do it.
#
# A check looks like this. The exercise is small: make it pass.


# %%
def double(number):
    """Twice the number."""
    return number + 2


check("00.1", double)

# %% [markdown]
# "not yet" is the usual start. Change the `+` to what it should be, run the cell again, and you have passed your
# first check. If you are stuck:

# %%
hint("00.1")

# %% [markdown]
# Your progress is kept in one small file on this computer and nowhere else. To see it, run `llama-course progress` in
# a terminal.

# %%
quiz("00")

# %% [markdown]
# ## What you can now explain
#
# - how to run a notebook, chat with a local model and read the environment report
# - why a model on this computer can answer without a network, and what it can know
# - how checks, hints and solutions fit together
#
# **Next.** [Lesson 01](01_five_articles.ipynb): five accounts of one release; who told it right? There are no
# exercises for this lesson.
#
# **Sources.** Models: SmolLM2-135M-Instruct by Hugging Face, Apache-2.0; tiny-chat by this course, MIT. Release date of
# Llama 2: its [licence](https://github.com/facebookresearch/llama/blob/main/LICENSE).
