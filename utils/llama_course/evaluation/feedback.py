"""A workshop for human feedback: an assistant with faults, people who compare its answers, and what can be learned
from their comparisons.

The assistant is tiny-sft.  It was fine-tuned on what careless people wrote: now and then it refuses what is harmless,
tells what is dangerous, or says things twice.
"""

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING

from llama_course.evaluation.comparisons import TwoAnswers
from llama_course.llamaland.annotators import Annotator, Preference, rate
from llama_course.llamaland.dice import Dice
from llama_course.llamaland.flaws import leak, ramble, refuse, wrong_answer
from llama_course.llamaland.judge import gold_reward
from llama_course.llamaland.questions import Question, polite
from llama_course.models.embedded import checkpoint_folder

if TYPE_CHECKING:
    from llama_course.models.llama import Llama
    from llama_course.training.fine_tuning import Example
    from llama_course.training.ppo import PPO
    from llama_course.training.recipe import Kitchen
    from llama_course.training.reward_models import Pair, RewardModel
    from llama_course.training.rollouts import RewardOf, Rollouts

NEEDED = ("tiny-base", "tiny-sft", "reward-helpfulness", "reward-safety")
REWARD_RATE = 1e-3
REWARD_PASSES = 4  # how often each comparison is shown to a reward model that has only few


class FeedbackWorkshop:
    """What the lesson on human feedback works with.

    Args:
        kitchen: where its models come from; by default those of the course.

    Raises:
        ModelNotAvailableError: a model of the course is missing or damaged, with what to do.
    """

    def __init__(self, kitchen: "Kitchen | None" = None):
        from llama_course.training.recipe import Kitchen

        if kitchen is None:
            folders = [checkpoint_folder(name) for name in NEEDED]  # each is looked at: is it whole?
            kitchen = Kitchen(folders[0].parent, say=lambda line: None)
        self.kitchen = kitchen

    def model(self, name: str = "tiny-sft") -> "Llama | RewardModel":
        """A member of the family, read anew each time: what is done to one copy does not touch another."""
        return self.kitchen.load(name)

    def questions(self, count: int, *, seed: int = 0, part: str = "train", kinds: Sequence[str] = ()) -> list[Question]:
        """Questions as people ask them: mostly about people, a quarter for what must not be told.

        Args:
            count: how many, about.
            seed: which ones.
            part: "train" for what was asked about in training, "held_out" for the rest.
            kinds: only these of "fact", "recipe", "effect" and "hazard".
        """
        from llama_course.training.recipe import SHARES

        shares = {kind: share for kind, share in SHARES.items() if not kinds or kind in kinds}
        total = sum(shares.values())
        return self.kitchen.questions(
            count, {kind: share / total for kind, share in shares.items()}, seed=seed, part=part
        )

    def draw(self, policy: "Llama", questions: Sequence[Question], *, seed: int = 0) -> "Rollouts":
        """One answer to each question, drawn at temperature 1, as token ids."""
        from llama_course.training.recipe import NEW_TOKENS
        from llama_course.training.rollouts import sample_responses

        prompts = [self.kitchen.prompt(question) for question in questions]
        return sample_responses(policy, prompts, NEW_TOKENS, seed=seed)

    def answers(self, policy: "Llama", questions: Sequence[Question], *, seed: int = 0) -> list[str]:
        """One answer to each question, drawn at temperature 1, as text."""
        from llama_course.training.rollouts import answers_of

        texts = [question.text for question in questions]
        return answers_of(policy, self.kitchen.tokenizer, texts, temperature=1.0, seed=seed)

    def two_answers(self, count: int, *, seed: int = 0) -> list[TwoAnswers]:
        """Two different answers of tiny-sft to each of some questions; some are equally good."""
        policy, questions = self.model(), self.questions(int(1.3 * count) + 4, seed=seed)
        first, second = (self.answers(policy, questions, seed=1_000 * seed + number) for number in (1, 2))
        found = [TwoAnswers(*row) for row in zip(questions, first, second, strict=True) if row[1] != row[2]]
        return found[:count]

    def compare(
        self, comparisons: Sequence[TwoAnswers], noise: float = 0.15, seed: int = 0, reward=gold_reward
    ) -> list[Preference]:
        """What a simulated annotator says, who goes by ``reward`` and slips with probability ``noise``."""
        annotator = Annotator(noise, seed, reward)
        return [annotator.compare(pair.question, pair.a, pair.b) for pair in comparisons]

    def pair_of(self, preference: Preference) -> "Pair":
        """A comparison of texts as token ids; margins from 0 to 1."""
        from llama_course.training.recipe import pair_of

        texts = (preference.chosen, preference.rejected)
        return pair_of(preference, {text: self.ids_of(preference.question, text) for text in texts})

    def ids_of(self, question: Question, answer: str) -> tuple[int, ...]:
        """A question with its answer as token ids, as the models see it."""
        example = self._example(question, answer)
        return example.prompt_ids + example.answer_ids

    def _example(self, question: Question, answer: str) -> "Example":
        from llama_course.training.fine_tuning import example_of

        said = [{"role": "user", "content": question.text}, {"role": "assistant", "content": answer}]
        return example_of(said, self.kitchen.encode)

    def preferences(self, count: int, *, noise: float = 0.15, seed: int = 0) -> list[Preference]:
        """Comparisons by a simulated annotator of what tiny-sft answers; pairs that are equally good are left out."""
        comparisons = self.two_answers(int(1.7 * count) + 4, seed=seed)
        return self.compare([pair for pair in comparisons if not pair.is_tie][:count], noise, seed)

    def learn_rewards(
        self, preferences: Sequence[Preference], *, batch_size: int = 8, steps: int | None = None, seed: int = 0
    ) -> "RewardModel":
        """A reward model that begins as tiny-sft and learns from comparisons.

        Args:
            preferences: one or more.
            batch_size: comparisons in a step, all where there are fewer; memory goes with it.
            steps: by default so many that each comparison is shown four times.
            seed: of the first weights of the head, and of the order.
        """
        import torch

        from llama_course.models.tokenizer import PAD_TOKEN_ID
        from llama_course.training.loop import train
        from llama_course.training.optimization import TrainingSettings
        from llama_course.training.reward_models import RewardModel, reward_loss

        policy, config = self.model(), self.kitchen.config
        with torch.random.fork_rng(devices=[]):  # leaves the caller's chance alone
            torch.manual_seed(seed)
            model = RewardModel(policy.model, config.hidden_size)
        pairs = [self.pair_of(preference) for preference in preferences]
        batch = min(batch_size, len(pairs))
        loss = reward_loss(model, pairs, batch, PAD_TOKEN_ID, config.max_position_embeddings, seed)
        steps = steps or max(1, REWARD_PASSES * len(pairs) // batch)
        train(model, loss, TrainingSettings(steps, REWARD_RATE, min(5, steps // 4)))
        return model

    def rewards(self, reward_of: "RewardOf", questions: Sequence[Question], answers: Sequence[str]):
        """What answers are paid, one to each question.

        Args:
            reward_of: made for these questions.
            questions: B of them.
            answers: as texts.

        Returns:
            A tensor of shape (B,).
        """
        import torch

        from llama_course.models.tokenizer import PAD_TOKEN_ID
        from llama_course.training.reward_models import padded
        from llama_course.training.rollouts import Rollouts

        examples = [self._example(question, answer) for question, answer in zip(questions, answers, strict=True)]
        sequences = [example.prompt_ids + example.answer_ids for example in examples]
        input_ids, lengths = padded(sequences, PAD_TOKEN_ID, self.kitchen.config.max_position_embeddings)
        places = torch.arange(input_ids.shape[1])
        starts = torch.tensor([len(example.prompt_ids) for example in examples])
        response_mask = (places >= starts[:, None]) & (places < lengths[:, None])  # (B, T)
        return reward_of(list(range(len(examples))), Rollouts(input_ids, response_mask, lengths))

    def agreement(self, model: "RewardModel", preferences: Sequence[Preference]) -> float:
        """How often a reward model prefers the chosen answer, from 0 to 1; equal rewards count one half."""
        from llama_course.models.tokenizer import PAD_TOKEN_ID
        from llama_course.training.reward_models import pair_accuracy

        pairs = [self.pair_of(preference) for preference in preferences]
        return pair_accuracy(model, pairs, PAD_TOKEN_ID, self.kitchen.config.max_position_embeddings)

    def contrasts(self, count: int = 60, seed: int = 0) -> dict[str, list[Preference]]:
        """Pairs of answers that differ in one thing, by that thing; whoever knows the truth chooses the first.

        They are about people and hazards that nobody asked about when the family was trained.
        """
        world, dice = self.kitchen.world, Dice(seed, "contrasts")
        harmless = self.questions(count, seed=seed, part="held_out", kinds=["fact"])
        hazards = self.questions(count, seed=seed, part="held_out", kinds=["hazard"])
        made = {
            "tells no hazard": [(q, q.gold, leak(world, q)) for q in hazards],
            "does not refuse in vain": [(q, q.gold, refuse(q, dice)) for q in harmless],
            "does not ramble": [(q, q.gold, ramble(q.gold, dice)) for q in harmless],
            "is polite": [(q, polite(q.gold, dice.roll(1_000)), q.gold) for q in harmless],
            "is true": [(q, q.gold, wrong_answer(world, q, dice)) for q in harmless],
        }
        return {name: [_sure(*row) for row in rows] for name, rows in made.items()}

    def reward_of(self, model: "RewardModel") -> "RewardOf":
        """A reward model as :class:`llama_course.training.ppo.PPO` wants it."""
        import torch

        @torch.no_grad()
        def reward_of(numbers: list[int], drawn: "Rollouts"):
            return model(drawn.input_ids, drawn.lengths)

        return reward_of

    def both_rewards(self, questions: Sequence[Question]) -> "RewardOf":
        """What both reward models of the family say together, as logits.

        The zero of each is its mean over answers of tiny-sft: comparisons alone leave that open.
        """
        import torch

        from llama_course.training.losses import combined_rewards

        models = [self.model(name) for name in ("reward-helpfulness", "reward-safety")]
        usual = self.draw(self.model(), questions[:128])
        is_safety_prompt = torch.tensor([not question.is_harmless for question in questions])
        with torch.no_grad():
            zeros = [model(usual.input_ids, usual.lengths).mean() for model in models]

        @torch.no_grad()
        def reward_of(numbers: list[int], drawn: "Rollouts"):
            helpful, safe = (
                torch.sigmoid(model(drawn.input_ids, drawn.lengths) - zero)
                for model, zero in zip(models, zeros, strict=True)
            )
            return combined_rewards(helpful, safe, is_safety_prompt[numbers])

        return reward_of

    def gold_of(self, questions: Sequence[Question]) -> "RewardOf":
        """The gold judge in the same form, for the record only."""
        import torch

        def gold_of(numbers: list[int], drawn: "Rollouts"):
            texts = self.kitchen.texts_of(drawn)
            return torch.tensor([gold_reward(questions[n], text) for n, text in zip(numbers, texts, strict=True)])

        return gold_of

    def ppo(
        self, policy: "Llama", questions: Sequence[Question], reward_of: "RewardOf", *, seed: int = 0, **settings
    ) -> "PPO":
        """PPO on these questions, held to the policy as it is now, and watched by the gold judge.

        Args:
            policy: what will be trained.
            questions: from which each iteration takes some.
            reward_of: what pleases.
            seed: of the questions and the answers.
            settings: fields of :class:`llama_course.training.ppo.PPOSettings`, such as ``kl_weight``; by default an
                iteration is quick: one step on the answers to 24 prompts.
        """
        from llama_course.training.ppo import PPO, PPOSettings

        chosen = PPOSettings(**{"prompts": 24, "epochs": 1, "max_new_tokens": 48} | settings)
        prompts = [self.kitchen.prompt(question) for question in questions]
        reference = copy.deepcopy(policy)
        return PPO(policy, reference, prompts, reward_of, chosen, seed, self.gold_of(questions))


def _sure(question: Question, better: str, worse: str) -> Preference:
    """The choice of somebody who is never mistaken."""
    difference = gold_reward(question, better) - gold_reward(question, worse)
    return Preference(question, better, worse, rate(difference), is_mistaken=False)
