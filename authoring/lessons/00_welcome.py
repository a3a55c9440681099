# %% [markdown]
# # 00 · Welcome
#
# **Question.** Can you talk to a language model that runs entirely on the computer in front of you?
#
# **You will be able to** check your set-up, chat with a real model, and find your way through the course.
#
# **Before you start.** Nothing. A little Python helps.
#
# **Time.** 15 minutes. **Compute.** 6 s on two CPU cores. **Memory.** 0.4 GiB.
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
# downloaded and run by almost anybody. It needs a large computer. Its small relative here has the same architecture,
# was made by Hugging Face, and came with the set-up; nothing you type leaves this computer.

# %%
model = load_model()
print(model.card)

# %%
print(model.chat("What is a llama?", seed=1, max_new_tokens=60))

# %% [markdown]
# Now you. Write something and press *Send*; *Stop* ends an answer, and what was said stays. Ask for a story, ask who
# it is, ask the same thing twice.

# %%
from llama_course.widgets.chat import ChatBox

chat = ChatBox(model)
chat.ask("Who are you?")
chat

# %% [markdown]
# Fluent, fast, and often wrong. It is small:

# %%
from llama_course.models.catalog import find_card

largest = find_card("llama-2-70b-chat")
print(f"The largest Llama 2 has {largest.parameters / model.card.parameters:.0f} times as many parameters.")

# %% [markdown]
# That makes it a good first patient. In this course you will open it, measure it, and see where its sentences come
# from.

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
# - why this model can answer without a network
# - how checks, hints and solutions fit together
#
# **Next.** [Lesson 01](01_five_articles.ipynb): five accounts of one release; who told it right? There are no
# exercises for this lesson.
#
# **Sources.** Model: SmolLM2-135M-Instruct by Hugging Face, Apache-2.0. Release date of Llama 2: its
# [licence](https://github.com/facebookresearch/llama/blob/main/LICENSE).
