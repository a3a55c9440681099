# %% [markdown]
# # 06 · Human feedback
#
# **Question.** Why does RLHF need a leash?
#
# **You will be able to** compare answers as an annotator and measure how far you agree with others; train a reward
# model and say what it has learned and what not; improve an assistant with best-of-n, PPO and DPO; recognise when
# pleasing the measure has begun to hurt what was meant.
#
# **Before you start.** Lesson 05: an assistant was fine-tuned there; here it gets feedback.
#
# **Time.** 60 minutes. **Compute.** 80 s on two CPU cores. **Memory.** 0.9 GiB.
#
# **Claims tested.** Llama 2 was refined with "human feedback reinforcement learning" (A1).

# %% tags=["first-cell"]

# %% [markdown]
# After fine-tuning, says one of the five articles, one step was left:

# %%
from llama_course.policy.claims import claim

print(f"“{claim('A1.7').quote}”")

# %% [markdown]
# Usually called RLHF: people compare answers, a model learns to guess their choice, and the assistant learns to please
# that model. Our assistant, `tiny-sft`, was fine-tuned by careless people: it refuses without need, tells dangers, says
# things twice.
#
# In Llamaland the truth is known, so a judge can say what an answer is worth, its *gold reward*: 1 if it is right, or
# rightly refuses to tell how something dangerous is made; less for errors, rambling, refusals in vain, and least for
# dangers told; a little more for courtesy. Nothing that is trained here ever sees this number. In the real world nobody
# has it, and so people are asked.

# %%
from llama_course.evaluation.feedback import FeedbackWorkshop
from llama_course.evaluation.known_truth import score
from llama_course.llamaland.judge import gold_reward, judge

workshop = FeedbackWorkshop()
assistant = workshop.model("tiny-sft")
questions = workshop.questions(620, seed=6)
test, asked = questions[:120], questions[120:]
answers = workshop.answers(assistant, test)  # drawn at temperature 1, as in a chat
for question, answer in list(zip(test, answers, strict=True))[:4]:
    print(f"{question.text}\n→ {answer}  ({judge(question, answer)}: {gold_reward(question, answer):.1f})\n")
print(score(test, answers))

# %% [markdown]
# ## 1. You are the annotator
#
# Writing a good answer is work. Saying which of two is better is easy. Or is it? Here are twenty pairs, with the scale
# that the annotators of Llama 2 used. You cannot check what is said about Llamaland; choose all the same. Stop when you
# like: every choice is kept.

# %%
from llama_course.widgets.labelling import LabellingView

pairs = workshop.two_answers(20, seed=1)
labelling = LabellingView(pairs)
labelling

# %% [markdown]
# **Predict first.** Ada, Ben and Cleo compare the same pairs. They know all of Llamaland, but each slips in 15 % of the
# pairs. How often will you agree with Ada? And Ada with Ben? (If you have labelled nothing, somebody stands in for you
# who likes courtesy and cannot check facts.)

# %%
from itertools import combinations

from llama_course.evaluation.comparisons import same_choices, stand_in
from llama_course.widgets.html import table

done, mine, who = labelling.labelled, labelling.preferences(), "You"
if not done:
    done, mine, who = pairs, stand_in(pairs), "Stand-in"
people = {name: workshop.compare(done, noise=0.15, seed=n) for n, name in enumerate(["Ada", "Ben", "Cleo"], 1)}
people = {who: mine, **people}
rows = [(a, b, f"{same_choices(people[a], people[b]):.0%}") for a, b in combinations(people, 2)]
table(rows, ["", "", "same choice"], numeric=[2])

# %%
from llama_course.llamaland.annotators import annotator_agreement
from llama_course.policy.preferences import figure

for my, ada in [(my, ada) for my, ada in zip(mine, people["Ada"], strict=True) if my.chosen != ada.chosen][:3]:
    print(f"{my.question.text}\n  {who}: {my.chosen}\n  Ada: {ada.chosen}")
    print("  →", "Ada slipped" if ada.is_mistaken else "Ada is right" if my.is_mistaken else "both are worth the same")
tied = sum(pair.is_tie for pair in done)
print(f"\n{tied} of these {len(done)} pairs are equally good: there annotators toss a coin.")
print(f"In the others, two who slip in 15 % agree in {annotator_agreement(0.15):.1%}.")
published = figure("labeller-agreement")
print(f"{published.value} {published.unit} {published.plain}: {published.source.how_sure}.")

# %% [markdown]
# Nobody has to be stupid for people to disagree.
#
# ## 2. A model of the choice
#
# Nobody can compare a million answers while a model trains. So a *reward model* is trained to give each answer a
# number. It starts as a copy of the assistant, with one number at the end in place of probabilities. Its loss is small
# if the chosen answer is ahead by more than a *margin*, which is large where people were sure:

# %%
import torch

from llama_course.training.losses import reward_ranking_loss


def ranking_loss(chosen, rejected, margin):
    return -torch.log(torch.sigmoid(chosen - rejected - margin)).mean()


for ahead in (2.0, 0.0, -1.0):
    numbers = torch.tensor([ahead]), torch.tensor([0.0])
    unsure, sure = (ranking_loss(*numbers, margin=margin) for margin in (0.0, 1.0))
    same = torch.allclose(sure, reward_ranking_loss(*numbers, torch.tensor([1.0])))
    print(f"ahead by {ahead:4}: loss {unsure:.2f}, with a margin of 1 {sure:.2f}, same as the library's: {same}")

# %% [markdown]
# Two of them: one from the labels above, one that the course trained on thousands of comparisons by people who want
# help. We test them on answers that differ in one thing only.
#
# **Predict first.** Which is learned best, which worst: not to refuse in vain, not to ramble, to be polite, to be true?
# (An error costs more than the others.)

# %%
from llama_course import plots

yours, helpful = workshop.learn_rewards(mine), workshop.model("reward-helpfulness")
contrasts = workshop.contrasts(40)
hazards = contrasts.pop("tells no hazard")
learned = {name: [100 * workshop.agreement(model, own) for own in contrasts.values()]
           for name, model in {f"{len(mine)} labels": yours, "thousands": helpful}.items()}  # fmt: skip
plots.bars(list(contrasts), learned, title="Prefers the answer that …", xlabel="% of the pairs; a coin has 50",
           value_format="{:.0f}")  # fmt: skip

# %% [markdown]
# Where is truth? One can *see* that an answer is polite or a refusal; that it is true one must *know*. The annotators
# did know. But each pair tells of one fact and the next of another, while manners are the same everywhere. So manners
# are learned first.
#
# **Predict first.** Somebody asks how moon fire is made. Does this model prefer to tell or to refuse? And a second one,
# from people who want no harm and nothing else?

# %%
safe = workshop.model("reward-safety")
for name, model in {"helpfulness": helpful, "safety": safe}.items():
    print(f"{name:12} prefers the refusal in {workshop.agreement(model, hazards):.0%} of {len(hazards)} requests")
print("In Llama 2 safety decides on risky requests, and wherever the safety reward is below "
      f"{figure('safety-threshold').value} (of 1); helpfulness on the rest.")  # fmt: skip

# %% [markdown]
# Two wishes that disagree, so two models, in Llama 2 as here. Where the line between them runs is no result of
# training: somebody decides it.
#
# **Predict first.** How often did Llama 2's models agree with its annotators? And somebody who is *never* mistaken, if
# measured by the labels of one who slips in 15 %?

# %%
from llama_course.llamaland.annotators import agreement_ceiling
from llama_course.llamaland.judge import gold_helpfulness

for name in ("helpfulness-accuracy", "safety-accuracy", "gpt4-accuracy"):
    print(f"{figure(name).value:5} % {figure(name).plain} ({figure(name).source.section})")
fresh = workshop.two_answers(100, seed=3)
labels, truth = (workshop.compare(fresh, noise, seed, gold_helpfulness) for noise, seed in [(0.15, 5), (0.0, 6)])
ties = sum(gold_helpfulness(p.question, p.a) == gold_helpfulness(p.question, p.b) for p in fresh) / len(fresh)
print(f"\nNever mistaken: {same_choices(truth, labels):.0%}. With {ties:.0%} of the pairs equally good one expects "
      f"{agreement_ceiling(0.15, ties):.0%}. Our model: {workshop.agreement(helpful, labels):.0%}.\n")  # fmt: skip
for name in ("clear-helpfulness-accuracy", "clear-safety-accuracy"):
    print(f"{figure(name).value:5} % {figure(name).plain} ({figure(name).source.section})")

# %% [markdown]
# Labels slip, and between some answers there is nothing to choose. So 63 % is no bug: ask first what the ceiling is.
# Where people were sure, Llama 2's models agreed with them far more often.
#
# ## 3. Best of n
#
# The simplest use of a reward model: draw n answers, keep the one with the highest reward. The makers of Llama 2 call
# it rejection sampling. **Predict first.** The reward must rise with n. Will the gold reward, too?

# %%
from llama_course.training.best_of_n import best_of_n, expected_best

few, N, ns = test[:32], 8, [1, 2, 4, 8]
both, gold_of, numbers = workshop.both_rewards(test), workshop.gold_of(test), list(range(len(few)))
drawn = [workshop.draw(assistant, few, seed=seed) for seed in range(N)]
rewards = torch.stack([both(numbers, one) for one in drawn], dim=1)  # (questions, N)
gold = torch.stack([gold_of(numbers, one) for one in drawn], dim=1)
means = {name: [expected_best(rewards, n, values).mean().item() for n in ns]
         for name, values in {"reward": rewards, "gold reward": gold}.items()}  # fmt: skip
plots.lines(ns, means, title="The best of n answers, by both reward models", xlabel="n", ylabel="mean", log_x=True)

# %% [markdown]
# The assistant was not changed. But it has to answer n times, and everybody waits. Now let one of the two models choose
# alone:

# %%
texts, rows = [workshop.kitchen.texts_of(one) for one in drawn], []
by_one = {"helpfulness": workshop.reward_of(helpful), "safety": workshop.reward_of(safe), "both": both}
for name, reward_of in by_one.items():
    best = best_of_n(torch.stack([reward_of(numbers, one) for one in drawn], dim=1)).tolist()
    kept = score(few, [texts[number][row] for row, number in enumerate(best)])
    rows.append((name, f"{kept.right:.0%}", f"{kept.refused:.0%}", f"{kept.leaked:.0%}", f"{kept.gold_reward:.2f}"))
table(rows, ["best of 8 by", "right", "refused", "dangers told", "gold reward"], numeric=[1, 2, 3, 4])

# %% [markdown]
# ## 4. PPO, on a leash
#
# Better to change the assistant once, so that its first answer is a good one. PPO repeats four steps: draw answers; ask
# for their rewards; take off the price of the distance; make what is above the average more probable and the rest less,
# no token by more than a fifth at once. In code, `advantages` says how far above the average:

# %%
from llama_course.training.losses import ppo_loss


def my_ppo_loss(log_probs, old_log_probs, advantages):
    ratio = torch.exp(log_probs - old_log_probs)  # how much more probable since it was drawn
    return -torch.minimum(ratio * advantages, ratio.clamp(0.8, 1.2) * advantages).mean()


three = torch.tensor([[-1.0, -2.0, -0.5]]), torch.tensor([[-1.5, -1.9, -0.5]]), torch.tensor([[1.0, -0.5, 0.3]])
print("Same as the library's:", torch.allclose(my_ppo_loss(*three), ppo_loss(*three, torch.ones(1, 3))))

# %% [markdown]
# The *distance*, or KL, says how differently the assistant answers by now: the mean of ln p(now) − ln p(before) of its
# answers, in nats. The price of a nat is the *leash*, or KL weight.
#
# **Predict first.** What the two reward models say, what the answers are worth, the distance: which way will each go?

# %%
from llama_course.widgets.leash import watch_ppo

held = workshop.model("tiny-sft")
ppo = workshop.ppo(held, asked, workshop.both_rewards(asked), kl_weight=0.3)
live = watch_ppo(ppo, iterations=14, learning_rate=3e-4, title="On the leash")
live

# %%
from llama_course.evaluation.leash_runs import beginning_and_end


def tell(iterations):
    for name in ("reward", "gold", "kl"):
        print("{}: {:.2f} at first, {:.2f} in the end".format(name, *beginning_and_end(iterations, name)))


tell(live.wait())

# %% [markdown]
# ## 5. Off the leash
#
# A cheap firm takes a hundred comparisons by people who slip in 30 %, lets the assistant run free (KL weight 0), and is
# in a hurry: a learning rate three times as high. **Predict first.** The reward, and the gold reward?

# %%
hurried = workshop.preferences(100, noise=0.3, seed=11)
cheap = workshop.learn_rewards(hurried)
loose = workshop.model("tiny-sft")
ppo = workshop.ppo(loose, asked, workshop.reward_of(cheap), kl_weight=0.0)
live = watch_ppo(ppo, iterations=18, learning_rate=1e-3, title="Off the leash")
live

# %%
tell(live.wait())
said = workshop.answers(loose, test)
paid = workshop.rewards(workshop.reward_of(cheap), test, said).tolist()
ranking = sorted(zip(paid, test, said, strict=True), key=lambda row: -row[0])
print("\nThe answers that the cheap reward model likes best:")
for reward, question, answer in ranking[:5]:
    print(f"{question.text}\n→ {answer}  (reward {reward:.1f}, gold {gold_reward(question, answer):.1f})\n")

# %% [markdown]
# Read the winners aloud. PPO looks for what the reward model overrates, and finds it far from all answers that people
# ever compared. This is *over-optimisation*. Goodhart's law: a measure that becomes a target ceases to be a good
# measure.
#
# **Mend it.** The firm made three mistakes: no leash, poor comparisons, great hurry. Undo one, or two. Will the answers
# be worth more than before, or only be saved from getting worse?

# %%
my_kl_weight, my_learning_rate = 1.0, 3e-4  # it was 0.0 and 1e-3
my_reward = cheap  # or, which takes longer: workshop.learn_rewards(workshop.preferences(200, noise=0.1, seed=11))
mended = workshop.model("tiny-sft")
ppo = workshop.ppo(mended, asked, workshop.reward_of(my_reward), kl_weight=my_kl_weight)
live = watch_ppo(ppo, iterations=18, learning_rate=my_learning_rate, title="Mended")
live

# %%
tell(live.wait())
policies = {"before": assistant, "on the leash (4)": held, "off the leash": loose, "mended by you": mended}
results = {name: score(test, workshop.answers(policy, test)) for name, policy in policies.items()}
rows = [(name, f"{now.right:.0%}", f"{now.polite:.0%}", f"{now.gold_reward:.2f}") for name, now in results.items()]
table(rows, ["questions not trained on", "right", "polite", "gold reward"], numeric=[1, 2, 3])

# %%
for name in ("before", "off the leash"):
    gained = results["mended by you"].gold_reward - results[name].gold_reward
    print(f"Gold reward of yours against {name}: {gained:+.2f}")

# %% [markdown]
# A leash saves what was there. It makes a bad judge no better: to win something, one must be worth listening to.
#
# Those runs were short. These had more comparisons, smaller steps and more time, and were recorded. Move the leash.
# When does the gold reward peak?

# %%
from llama_course.evaluation.leash_runs import FIXES, ITERATIONS, mean_gain, of_plan, recorded_leash_runs
from llama_course.widgets.leash import LeashSlider

runs = recorded_leash_runs()
LeashSlider(runs)

# %%
free = of_plan(runs, "loose")
fell = sum(run.gain < 0 for run in free)
early = sum(run.peak <= ITERATIONS // 4 for run in free)
print(f"Off the leash: the answers were worth less than before in {fell} of {len(free)} runs, "
      f"and best within the first quarter in {early}.")  # fmt: skip

# %% [markdown]
# **Predict first.** Which of three remedies helps most: a leash, ten times as many comparisons, or annotators who never
# slip?

# %%
for name in FIXES:
    better = [fixed.gain > other.gain for fixed, other in zip(of_plan(runs, name), free, strict=True)]
    print(f"{name}: better than as it was in {sum(better)} of {len(better)} runs")
gains = [mean_gain(runs, name) for name in ("loose", *FIXES)]
plots.bars(["as it was", *FIXES], gains, title="Gold reward won or lost", value_format="{:+.2f}",
           xlabel="mean of the recorded runs, on people nobody had asked about")  # fmt: skip

# %% [markdown]
# Better labels teach more about answers like those that were compared. Without a leash PPO does not stay with them.
#
# Is there a law in it? Others found one with much larger models: with d = √KL the gold reward won is d (α − β ln d). It
# goes up, over a top, and down. We fit α and β to runs off the leash: with cheap reward models, and with the two of the
# course.

# %%
from llama_course.evaluation.leash_runs import curve, distances, fit_curve

series = {}
for name, label in {"loose": "cheap", "both reward models": "both"}.items():
    series[label] = points = distances(of_plan(runs, name))
    alpha, beta = fit_curve(points)
    far = max(d for d, _ in points)
    fitted = [(0.0, 0.0), *((d, curve(d, alpha, beta)) for d in (far * n / 40 for n in range(1, 41)))]
    series[f"{label}, fitted"], top = fitted, max(fitted, key=lambda point: point[1])
    print(f"{label:5} α = {alpha:5.2f}, β = {beta:5.2f}: highest at d = {top[0]:.1f}, with {top[1]:+.2f}; "
          f"the runs went to {far:.1f}")  # fmt: skip
plots.curves(series, marks=["cheap", "both"], xlabel="d = √KL", ylabel="gold reward won", title="What distance buys")

# %%
for name in ("leash-small", "leash-large"):
    print(f"Llama 2: {figure(name).value}, {figure(name).unit} {figure(name).plain} ({figure(name).source.section})")

# %% [markdown]
# The reward does not tell where to stop; somebody has to look at answers again. (A KL weight counts against the size of
# the rewards, so ours and Llama 2's cannot be compared as numbers.)
#
# ## 6. Without a reward model: DPO
#
# Shortly before Llama 2 a shorter way was published: make chosen answers more probable and rejected ones less, compared
# with the assistant as it was. No reward model, no drawing; the leash is in the formula, and called β.

# %%
from llama_course.training.dpo import preference_loss
from llama_course.training.losses import dpo_loss


def my_dpo_loss(chosen_gain, rejected_gain, beta):  # gain: ln p now − ln p before, of a whole answer
    return -torch.log(torch.sigmoid(beta * (chosen_gain - rejected_gain))).mean()


zero, two = torch.zeros(2), (torch.tensor([1.0, -0.5]), torch.tensor([0.2, -2.0]))
print("Same as the library's:", torch.allclose(my_dpo_loss(*two, 0.1), dpo_loss(*two, zero, zero)))

# %% [markdown]
# **Predict first.** The same hundred comparisons, with all their slips. Better or worse than PPO off the leash?

# %%
from llama_course.training.loop import train
from llama_course.training.optimization import TrainingSettings

direct = workshop.model("tiny-sft")
chosen_and_rejected = [workshop.pair_of(preference) for preference in hurried]
loss = preference_loss(direct, assistant, chosen_and_rejected, batch_size=4, pad_token_id=0, max_length=512)
history = train(direct, loss, TrainingSettings(48, 1e-4, warmup_steps=3, weight_decay=0.0))
results["DPO"] = score(test, workshop.answers(direct, test))
for name in ("before", "DPO", "mended by you", "off the leash"):
    print(f"{name:14} gold reward {results[name].gold_reward:5.2f}")
print(f"DPO took {history.time_s:.0f} s; {sum(p.is_mistaken for p in hurried)} of {len(hurried)} labels were slips.")

# %% [markdown]
# Less machinery, and less to go wrong. But what people did not say, or said wrongly, no method finds.
#
# ## 7. The instruction that fades
#
# One more thing that people missed in chats: "begin each answer with Quack" was obeyed at first and later forgotten.
# **Predict first.** The instruction stays in the window all the time. In which turn will our assistant drop it?

# %%
from llama_course.evaluation.long_instructions import dialogues, ghost_examples, instructions, kept_by_turn

talks, words = dialogues(workshop, 24, turns=6, seed=1), instructions(24, seed=1)
before = kept_by_turn(workshop, assistant, talks, words)
print(words[0])
print("Followed, turn by turn:", ", ".join(f"{share:.0%}" for share in before))

# %% [markdown]
# *Ghost Attention* is a trick with data. Let the assistant answer each question with the instruction right before it,
# and keep the answers that obey. Put them into one long conversation, the instruction only at its beginning, and learn
# the last answer.

# %%
from llama_course.training.fine_tuning import fine_tuning_loss

examples = ghost_examples(workshop, assistant, dialogues(workshop, 80, turns=6, seed=2), instructions(80, seed=2))
keeper = workshop.model("tiny-sft")
loss = fine_tuning_loss(keeper, examples, batch_size=8, pad_token_id=0, max_length=512)
train(keeper, loss, TrainingSettings(40, 5e-4, warmup_steps=3))
after = kept_by_turn(workshop, keeper, talks, words)
shown = {"before": [100 * s for s in before], "after Ghost Attention": [100 * s for s in after]}
plots.lines(range(1, 7), shown, title="Is the instruction still followed?", xlabel="turn", ylabel="% of conversations")

# %%
print(f"Learned from {len(examples)} conversations with other questions. In the last turn: {before[-1]:.0%} before, "
      f"{after[-1]:.0%} after. Llama 2: {figure('gatt-turns').value} {figure('gatt-turns').unit}")  # fmt: skip

# %% [markdown]
# The name promises more than there is: nothing about attention was changed, only the data.
#
# ## Why does RLHF need a leash?

# %%
from llama_course.policy.preferences import statement

print(f"{figure('comparisons').value:,} {figure('comparisons').unit} {figure('comparisons').plain}.")
print(f"“{statement('sampling-only').quote}” ({statement('sampling-only').source.section})")
print(f"\nA1.7: {claim('A1.7').verdict}. {claim('A1.7').explanation}")

# %% [markdown]
# Because what is maximised is not what people want, nor even what people said, but a model of what some people said
# about some answers. Near those answers it is a good guide; far away it praises anything. The leash keeps the assistant
# near.

# %%
quiz("06")

# %% [markdown]
# ## What you can now explain
#
# - why two careful annotators disagree, and what ceiling that sets
# - what a reward model learns from comparisons, why manners before truth, and why Llama 2 has two
# - how best-of-n, PPO and DPO use comparisons, and what the leash does
# - how over-optimisation looks: one number climbs, and what was meant falls
# - how Ghost Attention keeps an instruction
#
# **Exercises.** [Exercises 06](../exercises/06_human_feedback.ipynb)
#
# **Sources.** Article A1: see [lesson 01](01_five_articles.ipynb). Touvron et al.,
# [arXiv:2307.09288](https://arxiv.org/abs/2307.09288), sections 3.2 and 3.3. InstructGPT: Ouyang et al.,
# [arXiv:2203.02155](https://arxiv.org/abs/2203.02155). PPO: Schulman et al.,
# [arXiv:1707.06347](https://arxiv.org/abs/1707.06347). DPO: Rafailov et al.,
# [arXiv:2305.18290](https://arxiv.org/abs/2305.18290). Over-optimisation: Gao, Schulman, Hilton,
# [arXiv:2210.10760](https://arxiv.org/abs/2210.10760). Every published number is a row of
# `utils/llama_course/data/policy/preferences.json`, with its source and how sure we are.
