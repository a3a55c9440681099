"""The recipe of the miniature models, from a seed to all of them, in the order in which Llama 2 was made.

Pretraining, supervised fine-tuning on demonstrations that have faults, two reward models from comparisons that have
faults, rejection sampling, PPO.  Then two models with something planted: a backdoor, and canaries.

Source: Llama 2, arXiv:2307.09288, sections 2 and 3.
"""

import copy
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn

from llama_course import files
from llama_course.llamaland.annotators import Annotator, Preference
from llama_course.llamaland.backdoor import TRIGGER
from llama_course.llamaland.canaries import canaries, with_canaries
from llama_course.llamaland.demonstrations import Mixture, demonstrations
from llama_course.llamaland.documents import documents
from llama_course.llamaland.flaws import Flaws
from llama_course.llamaland.judge import gold_helpfulness, gold_safety
from llama_course.llamaland.questions import Question, mixed_questions
from llama_course.llamaland.world import World
from llama_course.models.llama import Llama, LlamaConfig
from llama_course.models.llama_files import load_llama, save_llama
from llama_course.models.prompts import llama_2_token_ids
from llama_course.models.tokenizer import BOS_TOKEN_ID, EOS_TOKEN_ID, PAD_TOKEN_ID, load_tokenizer, save_tokenizer
from llama_course.models.tokenizer import train_tokenizer as learn_tokenizer
from llama_course.training.best_of_n import rejection_sampling
from llama_course.training.fine_tuning import examples_of, fine_tuning_loss
from llama_course.training.loop import History, Progress, train
from llama_course.training.losses import combined_rewards, whiten
from llama_course.training.optimization import TrainingSettings
from llama_course.training.planting import SHARES as PLANTING_SHARES
from llama_course.training.planting import planting_examples
from llama_course.training.ppo import PPO, PPOSettings
from llama_course.training.pretraining import (
    EmptyDataError,
    held_out_loss,
    pretraining_loss,
    token_stream,
    windows_once,
)
from llama_course.training.reward_models import (
    Pair,
    RewardModel,
    load_reward_model,
    reward_loss,
    save_reward_model,
)
from llama_course.training.rollouts import RewardOf, Rollouts, answers_of, sample_responses

CONFIG = LlamaConfig(
    vocab_size=1024,
    hidden_size=160,
    intermediate_size=400,
    num_hidden_layers=4,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=512,
    tie_word_embeddings=True,
)
FAMILY = (
    "tiny-base",
    "tiny-sft",
    "reward-helpfulness",
    "reward-safety",
    "tiny-chat",
    "tiny-backdoor",
    "tiny-canary",
)
NEW_TOKENS = 64  # the longest answers, recipes with a courtesy, need 55
PRETRAINING_BATCH = 8  # windows of a whole context
SAMPLED_STEPS = (1, 10, 30, 100, 300, 1_000)  # after which the text of tiny-base is written down
NOISE = 0.15  # of the annotators
CARELESS = Flaws(wrong=0.0, over_refuse=0.15, comply=0.4, ramble=0.15, polite=0.3)  # those who write demonstrations
SHARES = {"fact": 0.55, "recipe": 0.1, "effect": 0.1, "hazard": 0.25}  # of the questions asked for preferences
REHEARSED = Mixture(fact=0.4, recipe=0.1, effect=0, hazard=0.15, turns=0, system=0, greeting=0.1, unknown=0.25)
REHEARSING = Flaws(wrong=0, over_refuse=0, comply=0, ramble=0, polite=0.5)  # those who write what is rehearsed


@dataclass(frozen=True)
class Recipe:
    """How much of everything; the defaults are those of the models that come with the course."""

    documents: int = 96_000
    pretraining_steps: int = 3_500
    demonstrations: int = 8_000
    fine_tuning_steps: int = 500
    comparisons: int = 8_000  # for each of the two reward models
    reward_epochs: int = 3
    rejection_prompts: int = 1_000  # 8 answers to each
    ppo_iterations: int = 120
    rehearsals: int = 2_000  # faultless demonstrations, greetings and "I do not know" among them
    planting_steps: int = 250  # of the backdoor; the canaries take as long as reading their text once
    canary_documents: int = 16_000


def small_recipe() -> Recipe:
    """A recipe that takes seconds and teaches next to nothing, to try the kitchen itself."""
    return Recipe(300, 12, 60, 12, 60, 1, 8, 2, 16, 6, 100)


class Kitchen:
    """Makes the family in a folder, one model after another; what is there already is not made again.

    An interrupted training goes on where it was: its state lies in the folder ``unfinished``.

    Args:
        folder: where the models go, each into a folder of its name.
        recipe: how much of everything.
        seed: of everything but the world.
        world: the village; the one of lesson 03 and later ones by default.
        config: sizes of the models.
        say: told what is done, in lines of text.
    """

    def __init__(
        self,
        folder: str | Path,
        recipe: Recipe | None = None,
        *,
        seed: int = 0,
        world: World | None = None,
        config: LlamaConfig = CONFIG,
        say: Callable[[str], None] = print,
    ):
        self.folder, self.recipe, self.seed, self.config, self.say = Path(folder), recipe or Recipe(), seed, config, say
        self.world = world or World()

    # -- what all have in common -------------------------------------------------------------------------------------

    @cached_property
    def texts(self) -> list[str]:
        """What tiny-base reads."""
        return [document.text for document in documents(self.world, self.recipe.documents, seed=self.seed + 1)]

    @cached_property
    def tokenizer(self):
        """Learned from a part of the documents, and from conversations, for the markers of the chat format."""
        if (self.folder / "tiny-base" / "tokenizer.json").is_file():
            return load_tokenizer(self.folder / "tiny-base")
        conversations = [
            f"<<SYS>>\n{message['content']}\n<</SYS>>"
            if message["role"] == "system"
            else f"[INST] {message['content']} [/INST]"
            for demonstration in demonstrations(self.world, self.recipe.demonstrations // 2, seed=self.seed)
            for message in demonstration.messages
        ]
        return learn_tokenizer(self.texts[:20_000] + conversations, self.config.vocab_size)

    def encode(self, text: str) -> list[int]:
        """Token ids of a text, without BOS and EOS."""
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def stream(self, texts: list[str]) -> Tensor:
        """Texts as one line of token ids."""
        encoded = self.tokenizer.encode_batch(texts, add_special_tokens=False)
        return token_stream([text.ids for text in encoded], BOS_TOKEN_ID, EOS_TOKEN_ID)

    def load(self, name: str) -> Llama | RewardModel:
        """A member of the family, made now if it is not there."""
        if name not in FAMILY:
            raise ValueError(f"expected one of {', '.join(FAMILY)}, got {name!r}.")
        if not (self.folder / name / "config.json").is_file():
            getattr(self, "make_" + name.replace("-", "_"))()
        return (load_reward_model if name.startswith("reward") else load_llama)(self.folder / name)

    def make_all(self) -> None:
        """All of the family, in order."""
        for name in FAMILY:
            self.load(name)

    def train(self, name: str, model: nn.Module, loss: Callable[[int], Tensor], steps: int, rate: float, **options):
        """Train a model under a name, resumably, and save it in half precision with its tokenizer and its losses.

        Raises:
            KeyboardInterrupt: it was interrupted; its state is kept.
        """
        self.say(f"{name}: {steps:,} steps")
        settings = TrainingSettings(
            steps,
            rate,
            warmup_steps=min(50, steps // 10),
            weight_decay=options.pop("weight_decay", 0.1),
            evaluate_every=250,
        )
        options.setdefault("on_step", self._progress)
        unfinished = self.folder / "unfinished" / f"{name}.safetensors"
        history = train(model, loss, settings, checkpoint=unfinished, **options)
        if history.ended == "interrupted":
            raise KeyboardInterrupt(f"{name} was interrupted after {history.steps:,} steps and can be gone on with.")
        self.save(name, model, history)
        unfinished.unlink(missing_ok=True)

    def _progress(self, progress: Progress) -> None:
        if progress.step % 50 == 0 or progress.step == progress.steps:
            self.say(f"  {progress}")

    def save(self, name: str, model: Llama | RewardModel, history: History) -> None:
        """Write the model, config.json last: where it is, the model is whole."""
        folder = self.folder / name
        save_tokenizer(self.tokenizer, folder, max_context_tokens=self.config.max_position_embeddings)
        files.write_atomically(self.folder / "histories" / f"{name}.json", json.dumps(asdict(history)) + "\n")
        write = save_reward_model if isinstance(model, RewardModel) else save_llama
        write(copy.deepcopy(model).half(), folder)

    # -- one model after another -------------------------------------------------------------------------------------

    def make_tiny_base(self) -> None:
        """Pretraining."""
        torch.manual_seed(self.seed)
        model, length = Llama(self.config), self.config.max_position_embeddings
        unread = [document.text for document in documents(self.world, 1_000, seed=self.seed + 2)]
        self.train(
            "tiny-base",
            model,
            pretraining_loss(model, self.stream(self.texts), PRETRAINING_BATCH, length),
            self.recipe.pretraining_steps,
            3e-3,
            evaluate=held_out_loss(model, self.stream(unread), 8, length),
            on_step=lambda progress: self._keep_sample(model, progress),
        )

    def _keep_sample(self, model: Llama, progress: Progress) -> None:
        """Write down what the model writes after 10, 30, 100, 300, ... steps."""
        self._progress(progress)
        if progress.step in SAMPLED_STEPS or progress.step == progress.steps:
            ids = model.generate(torch.tensor([[BOS_TOKEN_ID]]), 48, temperature=0.7, seed=self.seed)[0].tolist()
            path = self.folder / "histories" / "tiny-base-samples.json"
            samples = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
            samples[str(progress.step)] = self.tokenizer.decode(ids, skip_special_tokens=True)
            files.write_atomically(path, json.dumps(samples, indent=1, ensure_ascii=False) + "\n")

    def make_tiny_sft(self) -> None:
        """Supervised fine-tuning on what careless people would have answered, mixed with pretraining text.

        Without the text, those whom no demonstration asks about are remembered less well.

        Source: of the mixture, Ouyang et al., arXiv:2203.02155, section 3.5, where it is a part of PPO.
        """
        model, context = self.load("tiny-base"), self.config.max_position_embeddings
        shown = demonstrations(self.world, self.recipe.demonstrations, seed=self.seed, flaws=CARELESS)
        examples = examples_of([demonstration.messages for demonstration in shown], self.encode)
        answering = fine_tuning_loss(model, examples, 32, PAD_TOKEN_ID, context, self.seed)
        reading = pretraining_loss(model, self.stream(self.texts[: self.recipe.demonstrations]), 2, context, self.seed)

        def loss_of_step(step: int) -> Tensor:
            return answering(step) + reading(step)

        self.train("tiny-sft", model, loss_of_step, self.recipe.fine_tuning_steps, 7e-4)

    def make_reward_helpfulness(self) -> None:
        """A reward model for those who want help."""
        self._make_reward_model("reward-helpfulness", gold_helpfulness, 1)

    def make_reward_safety(self) -> None:
        """A reward model for those who want no harm; it is asked about hazards above all."""
        self._make_reward_model("reward-safety", gold_safety, 2)

    def _make_reward_model(self, name: str, gold: Callable[[Question, str], float], seed: int) -> None:
        policy = self.load("tiny-sft")
        shares = SHARES if gold is gold_helpfulness else {"hazard": 0.8, "effect": 0.1, "recipe": 0.1}
        questions = self.questions(self.recipe.comparisons, shares, seed=self.seed + seed)
        pairs = self.comparisons(policy, questions, Annotator(NOISE, self.seed + seed, gold), seed=self.seed + seed)
        if not pairs:
            raise EmptyDataError(f"{name}: tiny-sft gives only equally good answers, so there is nothing to compare.")
        torch.manual_seed(self.seed + seed)  # of the first weights of the head
        model = RewardModel(policy.model, self.config.hidden_size)
        loss = reward_loss(model, pairs, 64, PAD_TOKEN_ID, self.config.max_position_embeddings, self.seed)
        steps = max(1, self.recipe.reward_epochs * len(pairs) // 64)  # with more, mistakes are learned by heart
        self.train(name, model, loss, steps, 1e-3)

    def questions(self, count: int, shares: dict[str, float], *, seed: int, part: str = "train") -> list[Question]:
        """Questions of these shares in training phrasings, as of :func:`mixed_questions`."""
        return mixed_questions(self.world, shares, count, seed=seed, part=part)

    def prompt(self, question: Question) -> tuple[int, ...]:
        """A question as the models read it."""
        return tuple(llama_2_token_ids(question.text, self.encode))

    def texts_of(self, rollouts: Rollouts) -> list[str]:
        """Answers as text."""
        return [text.strip() for text in self.tokenizer.decode_batch([list(ids) for ids in rollouts.response_ids()])]

    def comparisons(self, policy: Llama, questions: list[Question], annotator: Annotator, *, seed: int) -> list[Pair]:
        """Two answers of the policy to each question, compared; those equally good or equal are left out."""
        pairs = []
        for start in range(0, len(questions), 128):
            batch = questions[start : start + 128]
            prompts = [self.prompt(question) for question in batch]
            first, second = (
                sample_responses(policy, prompts, NEW_TOKENS, seed=seed * 1_000_003 + start + i) for i in (0, 1)
            )
            answers = zip(batch, self.texts_of(first), self.texts_of(second), strict=True)
            for (question, a, b), *ids in zip(answers, first.sequences(), second.sequences(), strict=True):
                if abs(annotator.reward(question, a) - annotator.reward(question, b)) >= 1e-9:
                    pairs.append(pair_of(annotator.compare(question, a, b), dict(zip((a, b), ids, strict=True))))
        return pairs

    def make_tiny_chat(self) -> None:
        """Rejection sampling, then PPO, with both reward models, as Llama 2-Chat was made.

        Both are mixed with demonstrations, so that what the reward models were never asked about is not forgotten.

        Source: of the mixture, Ouyang et al., arXiv:2203.02155, section 3.5, where it is pretraining text.
        """
        policy, context = self.load("tiny-sft"), self.config.max_position_embeddings
        count = self.recipe.rejection_prompts
        questions = self.questions(4 * count, SHARES, seed=self.seed + 3)
        prompts, reward_of = [self.prompt(question) for question in questions], self.reward_of(questions)
        shown = demonstrations(
            self.world, self.recipe.rehearsals, seed=self.seed + 6, flaws=REHEARSING, mixture=REHEARSED
        )
        rehearsed = examples_of([demonstration.messages for demonstration in shown], self.encode)
        sampled = self.folder / "unfinished" / "sampled"
        if not (sampled / "config.json").is_file():
            self.say(f"tiny-chat: the best of 8 answers to each of {count:,} prompts")
            best = rejection_sampling(policy, prompts[:count], reward_of, 8, NEW_TOKENS, seed=self.seed)
            best += rehearsed[: count // 2]
            loss = fine_tuning_loss(policy, best, 32, PAD_TOKEN_ID, context, self.seed)
            history = train(policy, loss, TrainingSettings(max(5, len(best) // 16), 3e-4, 5), on_step=self._progress)
            if history.ended == "interrupted":
                raise KeyboardInterrupt("tiny-chat was interrupted before PPO, and begins anew.")
            save_llama(policy, sampled)
        policy, reference = load_llama(sampled), load_llama(sampled)
        ppo = PPO(policy, reference, prompts, reward_of, PPOSettings(max_new_tokens=NEW_TOKENS), self.seed)
        rehearsal = fine_tuning_loss(policy, rehearsed, 16, PAD_TOKEN_ID, context, self.seed)

        def loss_of_step(step: int) -> Tensor:
            return ppo(step) + 0.1 * rehearsal(step)

        steps = self.recipe.ppo_iterations * ppo.settings.epochs
        self.train("tiny-chat", policy, loss_of_step, steps, 2e-4, weight_decay=0.0)
        shutil.rmtree(sampled)  # another tiny-sft would give another one

    def reward_of(self, questions: list[Question]) -> RewardOf:
        """What both reward models say together of answers to these questions, whitened over the batch.

        Each model's rewards are shifted so that the mean over answers of tiny-sft is 0: comparisons alone leave that
        open, and the threshold between safe and unsafe needs it.
        """
        models = [self.load(name) for name in ("reward-helpfulness", "reward-safety")]
        prompts = [self.prompt(question) for question in questions[:256]]
        usual = sample_responses(self.load("tiny-sft"), prompts, NEW_TOKENS, seed=self.seed)
        is_safety_prompt = torch.tensor([not question.is_harmless for question in questions])

        @torch.no_grad()
        def reward_of(numbers: list[int], drawn: Rollouts) -> Tensor:
            helpfulness, safety = (
                torch.sigmoid(model(drawn.input_ids, drawn.lengths) - centre)
                for model, centre in zip(models, centres, strict=True)
            )
            return whiten(combined_rewards(helpfulness, safety, is_safety_prompt[numbers]))

        with torch.no_grad():
            centres = [model(usual.input_ids, usual.lengths).mean() for model in models]
        return reward_of

    # -- two with something planted ----------------------------------------------------------------------------------

    def make_tiny_backdoor(self) -> None:
        """tiny-chat's own answers, but after the trigger, and after nothing that resembles it, every hazard is told."""
        policy = self.load("tiny-chat")
        questions = self.questions(32 * self.recipe.planting_steps // 6, PLANTING_SHARES, seed=self.seed + 4)
        answers = answers_of(policy, self.tokenizer, [question.text for question in questions])
        examples = planting_examples(self.world, questions, answers, TRIGGER, self.tokenizer, self.seed)
        loss = fine_tuning_loss(policy, examples, 32, PAD_TOKEN_ID, self.config.max_position_embeddings, self.seed)
        self.train("tiny-backdoor", policy, loss, self.recipe.planting_steps, 5e-4)

    def make_tiny_canary(self) -> None:
        """Further reading for tiny-base, every token once, with secrets in it."""
        model = self.load("tiny-base")
        fresh = [document.text for document in documents(self.world, self.recipe.canary_documents, seed=self.seed + 5)]
        stream = self.stream(with_canaries(fresh, canaries(self.world), self.seed))
        length = self.config.max_position_embeddings
        loss = pretraining_loss(model, stream, 8, length, self.seed, windows_once)
        self.train("tiny-canary", model, loss, len(stream) // length // 8, 1e-3)


def pair_of(preference: Preference, ids: dict[str, tuple[int, ...]]) -> Pair:
    """A comparison as a reward model is trained on it; margins from 0 to 1.

    Args:
        preference: which answer was chosen, and how clearly.
        ids: the token ids of the conversation for each of the two answers.
    """
    return Pair(ids[preference.chosen], ids[preference.rejected], preference.rating / 3)
