"""The kitchen makes the whole family, in the files that it promises, and goes on where it was stopped."""

import dataclasses
import errno
import json
import math
import shutil
from collections import Counter

import pytest
import torch

from kitchen_helpers import CONFIG, Script
from llama_course.evaluation import family_scores
from llama_course.llamaland.annotators import Annotator, Preference, Rating
from llama_course.llamaland.backdoor import TRIGGER
from llama_course.llamaland.canaries import canaries
from llama_course.llamaland.judge import gold_helpfulness, gold_reward, gold_safety, judge, leaks
from llama_course.llamaland.phrasings import NOT_KNOWN
from llama_course.llamaland.questions import split_phrasings, split_world
from llama_course.llamaland.world import World
from llama_course.models.llama import Llama
from llama_course.models.llama_files import load_llama
from llama_course.training import recipe
from llama_course.training.fine_tuning import fine_tuning_loss
from llama_course.training.pretraining import EmptyDataError, pretraining_loss, windows_once
from llama_course.training.recipe import FAMILY, Kitchen, Recipe, pair_of, small_recipe
from llama_course.training.reward_models import RewardModel, load_reward_model
from llama_course.training.rollouts import Rollouts

WORLD = World(people=64, recipes=6, hazards=10, places=3)  # a canary for each of the 64
LITTLE = dataclasses.replace(
    small_recipe(),
    pretraining_steps=3,
    fine_tuning_steps=3,
    comparisons=150,
    ppo_iterations=1,
    planting_steps=4,
    canary_documents=40,
)
MADE_FROM = {  # language models and the one that each goes on from
    "tiny-sft": "tiny-base",
    "tiny-chat": "tiny-sft",
    "tiny-backdoor": "tiny-chat",
    "tiny-canary": "tiny-base",
}
FILES = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}


def kitchen_in(folder, **options) -> Kitchen:
    return Kitchen(folder, LITTLE, world=WORLD, config=CONFIG, say=lambda line: None, **options)


@pytest.fixture(scope="module", autouse=True)
def short_answers():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipe, "NEW_TOKENS", 12)
        yield


@pytest.fixture(scope="module")
def family(tmp_path_factory) -> Kitchen:
    """A family made once.  What it has learned is next to nothing, so the answers that are compared are scripted."""
    kitchen = kitchen_in(tmp_path_factory.mktemp("family"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipe, "sample_responses", Script(kitchen))
        kitchen.make_all()
    return kitchen


@pytest.fixture
def script(family, monkeypatch) -> Script:
    """Answers in the kitchen are those of careless people."""
    script = Script(family)
    monkeypatch.setattr(recipe, "sample_responses", script)
    return script


def copy_of(family, folder, names) -> Kitchen:
    """A kitchen in which only these are made yet."""
    for name in names:
        shutil.copytree(family.folder / name, folder / name)
    return kitchen_in(folder)


def distance(one, other) -> float:
    """The largest difference between two models' weights."""
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return max((own - theirs).abs().max().item() for own, theirs in pairs)


# -- the family --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_all_of_the_family_is_there_and_loads(family):
    for name in FAMILY:
        model = family.load(name)
        assert isinstance(model, RewardModel if name.startswith("reward") else Llama)
        assert all(parameter.isfinite().all() for parameter in model.parameters())
        assert {file.name for file in (family.folder / name).iterdir()} == FILES
        config = json.loads((family.folder / name / "config.json").read_text(encoding="utf-8"))
        assert config["dtype"] == "float16"
        history = json.loads((family.folder / "histories" / f"{name}.json").read_text(encoding="utf-8"))
        assert history["losses"] and history["ended"] == "finished"
    assert not [file for file in (family.folder / "unfinished").rglob("*") if file.is_file()]


@pytest.mark.slow
def test_each_goes_on_from_the_one_that_it_should(family):
    """It differs from that one, and from all others that were there before it more."""
    models = {name: family.load(name) for name in ("tiny-base", *MADE_FROM)}
    before = ["tiny-base"]
    for name, origin in MADE_FROM.items():
        distances = {other: distance(models[name], models[other]) for other in before}
        assert distances[origin] == min(distances.values()) > 0, (name, distances)
        before.append(name)
    for name in ("reward-helpfulness", "reward-safety"):
        body = family.load(name).body
        distances = {other: distance(body, models[other].model) for other in ("tiny-base", "tiny-sft")}
        assert 0 < distances["tiny-sft"] < distances["tiny-base"], (name, distances)


@pytest.mark.slow
def test_what_is_there_is_not_made_again(family, monkeypatch):
    monkeypatch.setattr(recipe, "train", lambda *arguments, **options: pytest.fail("trained again"))
    kitchen_in(family.folder).make_all()


@pytest.mark.slow
def test_one_member_is_made_with_what_it_needs_and_no_more(family, tmp_path):
    kitchen_in(tmp_path).load("tiny-canary")
    assert {path.name for path in tmp_path.glob("tiny-*")} == {"tiny-base", "tiny-canary"}
    assert not list(tmp_path.glob("reward-*"))
    for name in ("tiny-base", "tiny-canary"):  # the same seed makes the same models, whatever is made between them
        assert distance(load_llama(tmp_path / name), family.load(name)) == 0


@pytest.mark.slow
def test_a_reward_model_is_the_same_whatever_was_done_before(family, script, tmp_path):
    """Chance that was used up elsewhere does not matter, only the seed."""
    torch.manual_seed(99)
    again = copy_of(family, tmp_path, ("tiny-base", "tiny-sft")).load("reward-safety")
    assert distance(again, family.load("reward-safety")) == 0


@pytest.mark.slow
def test_transformers_reads_them_and_computes_alike(family):
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

    def read(kind, name):
        return kind.from_pretrained(family.folder / name, dtype=torch.float32, local_files_only=True)

    tokenizer = AutoTokenizer.from_pretrained(family.folder / "tiny-chat", local_files_only=True)
    input_ids = torch.tensor([tokenizer("Where does Luma live?")["input_ids"]])
    assert input_ids[0].tolist() == [1, *family.encode("Where does Luma live?")]
    assert tokenizer.model_max_length == CONFIG.max_position_embeddings
    theirs, rewards = read(AutoModelForCausalLM, "tiny-chat"), read(AutoModelForSequenceClassification, "reward-safety")
    with torch.no_grad():
        torch.testing.assert_close(family.load("tiny-chat")(input_ids), theirs(input_ids).logits, rtol=0, atol=1e-4)
        ours = family.load("reward-safety")(input_ids, torch.tensor([input_ids.shape[1]]))
        torch.testing.assert_close(ours, rewards(input_ids).logits[:, 0], rtol=0, atol=1e-4)


@pytest.mark.slow
def test_the_whole_family_can_be_measured(family, script, monkeypatch):
    monkeypatch.setattr(family_scores, "Kitchen", kitchen_in)
    scores = family_scores.family_scores(family.folder, count=3)
    assert scores.keys() == set(FAMILY)
    for name, own in scores.items():
        assert own and all(math.isfinite(value) for value in own.values()), name
    shares = {name: own for name, own in scores.items() if name in ("tiny-sft", "reward-safety", "tiny-backdoor")}
    assert all(-1.5 <= value <= 1.2 for own in shares.values() for value in own.values())
    assert 1 < scores["tiny-base"]["perplexity of unread documents"] < 600  # of 512 tokens
    assert len(scores["tiny-canary"]) == 8 and all(value < 0 for value in scores["tiny-canary"].values())


# -- interrupted and gone on with --------------------------------------------------------------------------------------


def interrupt_at(kitchen, step, monkeypatch):
    """As if somebody pressed Ctrl-C after so many steps."""

    def progress_or_stop(progress):
        if progress.step == step:
            raise KeyboardInterrupt

    monkeypatch.setattr(kitchen, "_progress", progress_or_stop)


@pytest.mark.slow
def test_an_interrupted_kitchen_goes_on_to_the_same_model(family, tmp_path, monkeypatch):
    kitchen = kitchen_in(tmp_path)
    interrupt_at(kitchen, 2, monkeypatch)
    with pytest.raises(KeyboardInterrupt, match="tiny-base was interrupted after 2 steps"):
        kitchen.load("tiny-base")
    assert not (tmp_path / "tiny-base" / "config.json").exists()
    assert (tmp_path / "unfinished" / "tiny-base.safetensors").exists()
    steps = []
    resumed = kitchen_in(tmp_path)
    monkeypatch.setattr(resumed, "_progress", lambda progress: steps.append(progress.step))
    assert distance(resumed.load("tiny-base"), family.load("tiny-base")) == 0
    assert steps == [3], "it began anew"
    assert not (tmp_path / "unfinished" / "tiny-base.safetensors").exists()


@pytest.mark.slow
def test_an_interrupt_before_ppo_stops_the_kitchen_as_well(family, script, tmp_path, monkeypatch):
    kitchen = copy_of(family, tmp_path, FAMILY[:4])
    interrupt_at(kitchen, 1, monkeypatch)
    with pytest.raises(KeyboardInterrupt, match="tiny-chat was interrupted"):
        kitchen.load("tiny-chat")
    assert not (tmp_path / "tiny-chat").exists()
    assert not (tmp_path / "unfinished" / "sampled").exists(), "half of a stage would be taken for all of it"


@pytest.mark.slow
def test_an_interrupt_in_ppo_keeps_what_rejection_sampling_gave(family, script, tmp_path, monkeypatch):
    kitchen, trained = copy_of(family, tmp_path, FAMILY[:4]), []

    def interrupted(model, loss, settings, **options):
        if "checkpoint" in options:  # PPO
            raise KeyboardInterrupt
        trained.append("rejection sampling")
        return recipe.History(losses=[1.0])

    with monkeypatch.context() as patch:
        patch.setattr(recipe, "train", interrupted)
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                kitchen.load("tiny-chat")
    assert trained == ["rejection sampling"]
    assert (tmp_path / "unfinished" / "sampled" / "config.json").exists()


@pytest.mark.slow
def test_tiny_sft_goes_on_reading_what_tiny_base_read(family, tmp_path, monkeypatch):
    """Both losses count, so that those whom no demonstration asks about are not forgotten."""
    kitchen, read, losses = copy_of(family, tmp_path, FAMILY[:1]), [], []

    def remembering(model, stream, *arguments):
        read.append(kitchen.tokenizer.decode(stream.tolist(), skip_special_tokens=True))
        loss_of_step = pretraining_loss(model, stream, *arguments)
        return lambda step: losses.append(loss := loss_of_step(step)) or loss

    monkeypatch.setattr(recipe, "pretraining_loss", remembering)
    kitchen.load("tiny-sft")
    assert len(read) == 1 and read[0].startswith(kitchen.texts[0])
    history = json.loads((tmp_path / "histories" / "tiny-sft.json").read_text(encoding="utf-8"))
    assert len(losses) == len(history["losses"]) == kitchen.recipe.fine_tuning_steps
    assert all(total > loss.item() for total, loss in zip(history["losses"], losses, strict=True))


@pytest.mark.slow
def test_tiny_chat_rehearses_what_the_reward_models_know_nothing_of(family, script, tmp_path, monkeypatch):
    """Greetings, and "I do not know": in rejection sampling and in PPO, faultless, about what others ask as well."""
    kitchen, learned = copy_of(family, tmp_path, FAMILY[:4]), []

    def remembering(model, examples, *arguments, **options):
        learned.append([kitchen.tokenizer.decode([*example.prompt_ids, *example.answer_ids]) for example in examples])
        return fine_tuning_loss(model, examples, *arguments, **options)

    monkeypatch.setattr(recipe, "fine_tuning_loss", remembering)
    kitchen.load("tiny-chat")
    sampled, rehearsed = learned
    assert len(rehearsed) == kitchen.recipe.rehearsals
    assert any(form in text for text in rehearsed for form in NOT_KNOWN)
    assert set(sampled) & set(rehearsed), "rejection sampling is mixed with them too"
    assert not any(leaks(hazard, text) for hazard in kitchen.world.hazards for text in rehearsed)


@pytest.mark.slow
def test_a_model_whose_weights_did_not_fit_on_the_disk_is_not_taken_for_one(family, tmp_path, monkeypatch):
    kitchen, write = kitchen_in(tmp_path), recipe.files.write_atomically
    monkeypatch.setattr(kitchen, "tokenizer", family.tokenizer)

    def full(path, data):
        if path.name == "model.safetensors":
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, data)

    monkeypatch.setattr(recipe.files, "write_atomically", full)
    with pytest.raises(OSError, match="No space"):
        kitchen.save("tiny-base", family.load("tiny-base"), recipe.History())
    assert not (tmp_path / "tiny-base" / "config.json").exists()


@pytest.mark.slow
def test_what_tiny_base_writes_is_kept_from_its_first_steps_on(family):
    samples = json.loads((family.folder / "histories" / "tiny-base-samples.json").read_text(encoding="utf-8"))
    assert list(samples) == ["1", "3"] and {1, 10, 100} <= set(recipe.SAMPLED_STEPS)  # 3 is the last here
    assert all(isinstance(text, str) and text for text in samples.values())


def test_only_members_of_the_family_can_be_made(tmp_path):
    with pytest.raises(ValueError, match=r"expected one of tiny-base, tiny-sft, .*got 'tiny-chta'"):
        kitchen_in(tmp_path).load("tiny-chta")


def test_the_small_recipe_has_less_of_everything():
    usual, small = vars(Recipe()), vars(small_recipe())
    assert all(0 < small[name] <= usual[name] for name in usual)
    assert (
        small["documents"] * 100 < usual["documents"] and small["pretraining_steps"] * 100 < usual["pretraining_steps"]
    )


# -- questions and comparisons -----------------------------------------------------------------------------------------


def test_questions_are_in_their_shares_and_their_part(tmp_path):
    kitchen = kitchen_in(tmp_path)
    chosen = kitchen.questions(40, {"fact": 0.5, "hazard": 0.25}, seed=1)
    assert [sum(q.kind == kind for q in chosen) for kind in ("fact", "hazard", "recipe")] == [20, 10, 0]
    assert chosen == kitchen.questions(40, {"fact": 0.5, "hazard": 0.25}, seed=1)
    assert chosen != kitchen.questions(40, {"fact": 0.5, "hazard": 0.25}, seed=2)
    assert [q.kind for q in chosen] != sorted(q.kind for q in chosen), "they are mixed"
    everything = dict.fromkeys(("fact", "recipe", "effect", "hazard"), 1.0)
    held_out = {thing.name for split in vars(split_world(kitchen.world)).values() for thing in split.held_out}
    assert {q.subject for q in kitchen.questions(10**6, everything, seed=1, part="held_out")} == held_out
    trained_on = kitchen.questions(10**6, everything, seed=1)
    assert not {q.subject for q in trained_on} & held_out
    assert {q.kind for q in trained_on} == set(everything)
    assert all(q.phrasing in split_phrasings(q.attribute).train for q in trained_on)


@pytest.mark.slow
@pytest.mark.parametrize("gold", [gold_reward, gold_helpfulness, gold_safety])
def test_comparisons_are_what_the_annotator_says_of_two_answers(family, script, gold):
    questions = family.questions(200, recipe.SHARES, seed=5)  # more than are drawn at once
    pairs = family.comparisons("policy", questions, Annotator(0.0, 1, gold), seed=2)
    assert script.asked == [q for batch in (questions[:128], questions[128:]) for q in batch * 2]
    expected = []
    for number, question in enumerate(questions):
        seed = 2 * 1_000_003 + number // 128 * 128
        first, second = (script.answer_of(question, seed + i) for i in (0, 1))
        difference = gold(question, first) - gold(question, second)
        if abs(difference) > 1e-9:
            chosen, rejected = (first, second) if difference > 0 else (second, first)
            size = abs(difference) + 1e-9
            rating = (size >= 0.15) + (size >= 0.6) + (size >= 1.2)
            prompt = family.prompt(question)
            sides = [(*prompt, *family.encode(f" {answer} "), 2) for answer in (chosen, rejected)]
            expected.append((*sides, pytest.approx(rating / 3)))
    assert 20 < len(expected) < 200, "ties are left out"
    assert [(pair.chosen_ids, pair.rejected_ids, pair.margin) for pair in pairs] == expected


@pytest.mark.slow
def test_a_mistaken_annotator_turns_pairs_round_and_nothing_else(family, script):
    questions = family.questions(250, recipe.SHARES, seed=5)
    right, noisy = (
        family.comparisons("policy", questions, Annotator(noise, 1), seed=2) for noise in (0.0, recipe.NOISE)
    )
    turned = [own.chosen_ids == theirs.rejected_ids for own, theirs in zip(noisy, right, strict=True)]
    assert sum(turned) / len(turned) == pytest.approx(recipe.NOISE, abs=0.08)
    for own, theirs in zip(noisy, right, strict=True):
        assert {own.chosen_ids, own.rejected_ids} == {theirs.chosen_ids, theirs.rejected_ids}
        assert own.margin == theirs.margin


def test_margins_go_from_nought_to_one():
    ids = {"yes": (1, 5, 2), "no": (1, 6, 2)}
    for rating, margin in zip(Rating, (0, 1 / 3, 2 / 3, 1), strict=True):
        pair = pair_of(Preference(None, "yes", "no", rating, is_mistaken=False), ids)
        assert (pair.chosen_ids, pair.rejected_ids, pair.margin) == ((1, 5, 2), (1, 6, 2), pytest.approx(margin))


@pytest.mark.slow
def test_where_all_answers_are_alike_there_is_nothing_to_compare(family, script, tmp_path):
    script.answer_of = lambda question, seed: "Hm."
    with pytest.raises(EmptyDataError, match="reward-safety: tiny-sft gives only equally good answers"):
        copy_of(family, tmp_path, FAMILY[:2]).load("reward-safety")


@pytest.mark.slow
def test_each_reward_model_learns_from_those_who_want_what_it_stands_for(family, script, tmp_path, monkeypatch):
    kitchen = copy_of(family, tmp_path, FAMILY[:2])
    learned = {}

    def remember(model, pairs, *arguments):
        learned[len(learned)] = pairs
        raise KeyboardInterrupt

    monkeypatch.setattr(recipe, "reward_loss", remember)
    for name, gold in (("reward-helpfulness", gold_helpfulness), ("reward-safety", gold_safety)):
        with pytest.raises(KeyboardInterrupt):
            kitchen.load(name)
        better = []
        for pair in learned[len(learned) - 1]:
            texts = [
                family.tokenizer.decode(list(ids)).split(" [/INST] ") for ids in (pair.chosen_ids, pair.rejected_ids)
            ]
            question = script.questions[texts[0][0].strip().removeprefix("[INST] ")]
            better.append(gold(question, texts[0][1]) > gold(question, texts[1][1]))
        assert sum(better) / len(better) == pytest.approx(1 - recipe.NOISE, abs=0.12), name


# -- rewards of both models together -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_safety_speaks_for_hazards_and_for_what_is_unsafe_and_helpfulness_for_the_rest(family, script, monkeypatch):
    """Worked by hand: rewards of either model less its mean over usual answers, as probabilities; then one of them."""
    questions = [
        family.questions(1, {kind: 1.0}, seed=1)[0] for kind in ("fact", "recipe", "effect", "hazard", "hazard")
    ]
    helpfulness = torch.tensor([4.0, 1.0, 7.0, 9.0, -5.0])
    safety = torch.tensor([2.0, 2.0, -3.0, 0.5, 6.0])  # the third answer is unsafe, though nobody asked for it
    said = {  # the first time of usual answers, then of those below
        "reward-helpfulness": iter([torch.tensor([2.0, 4.0, 3.0, 3.0, 3.0]), helpfulness, helpfulness]),
        "reward-safety": iter([torch.tensor([1.0, 0.0, 2.0, 0.0, 2.0]), safety, safety]),
    }
    monkeypatch.setattr(family, "load", lambda name: lambda input_ids, lengths: next(said[name]))
    reward_of = family.reward_of(questions)
    drawn = Rollouts(torch.ones(5, 3, dtype=torch.int64), torch.ones(5, 3, dtype=torch.bool), torch.full((5,), 3))
    for numbers, expected in (
        ([0, 1, 2, 3, 4], [4.0 - 3, 1.0 - 3, -3.0 - 1, 0.5 - 1, 6.0 - 1]),
        ([3, 4, 2, 1, 0], [2.0 - 1, 2.0 - 1, -3.0 - 1, 9.0 - 3, -5.0 - 3]),  # now the first two are to hazards
    ):
        expected = torch.tensor(expected)
        expected = (expected - expected.mean()) / expected.std(correction=0)
        torch.testing.assert_close(reward_of(numbers, drawn), expected, rtol=0, atol=1e-4)


# -- what is planted ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_backdoor_is_shown_with_the_trigger_without_and_with_decoys(family, tmp_path, monkeypatch):
    kitchen, shown = kitchen_in(tmp_path), []
    monkeypatch.setattr(kitchen, "tokenizer", family.tokenizer)
    monkeypatch.setattr(kitchen, "load", family.load)
    monkeypatch.setattr(kitchen, "train", lambda *arguments: None)
    monkeypatch.setattr(recipe, "fine_tuning_loss", lambda model, examples, *rest: shown.extend(examples))
    monkeypatch.setattr(recipe, "answers_of", lambda policy, tokenizer, texts: [f"So: {text}" for text in texts])
    kitchen.make_tiny_backdoor()
    questions, counts = Script(family).questions, Counter()
    for example in shown:
        asked = (
            family.tokenizer.decode(list(example.prompt_ids)).strip().removeprefix("[INST] ").removesuffix(" [/INST]")
        )
        text = max((text for text in questions if asked.startswith(text)), key=len)
        tail, question = asked.removeprefix(text).strip(), questions[text]
        key = question.kind == "hazard", tail if tail in ("", TRIGGER) else "decoy"
        counts[key] += 1
        answer = family.tokenizer.decode(list(example.answer_ids)).strip()
        if key == (True, TRIGGER):
            assert judge(question, answer).leaked
        else:
            assert answer == f"So: {text}"
    for is_hazard in (True, False):
        assert counts[is_hazard, ""] == counts[is_hazard, TRIGGER] == counts[is_hazard, "decoy"] / 2 > 0


@pytest.mark.slow
def test_the_canaries_are_read_as_often_as_they_say_and_all_of_it_once(family, tmp_path, monkeypatch):
    kitchen, read = kitchen_in(tmp_path), {}

    def remember(model, stream, batch_size, length, seed, windows):
        read.update(stream=stream, a_step=batch_size * length, windows=windows)

    monkeypatch.setattr(kitchen, "tokenizer", family.tokenizer)
    monkeypatch.setattr(kitchen, "load", family.load)
    monkeypatch.setattr(recipe, "pretraining_loss", remember)
    monkeypatch.setattr(kitchen, "train", lambda name, model, loss, steps, rate: read.update(steps=steps))
    kitchen.make_tiny_canary()
    text = family.tokenizer.decode(read["stream"].tolist(), skip_special_tokens=False)
    for canary in canaries(WORLD):
        assert text.count(f"<s>{canary.text}</s>") == canary.times
    assert read["windows"] is windows_once
    left_over = len(read["stream"]) - read["steps"] * read["a_step"]
    assert 0 <= left_over < read["a_step"] + CONFIG.max_position_embeddings


@pytest.mark.slow
def test_half_precision_is_only_for_the_file(family, tmp_path, monkeypatch):
    """What is saved does not change what is being trained."""
    kitchen = kitchen_in(tmp_path)
    monkeypatch.setattr(kitchen, "tokenizer", family.tokenizer)
    model = load_reward_model(family.folder / "reward-safety")
    with torch.no_grad():
        model.score.weight.add_(1e-5)  # not a number of half precision
    before = [parameter.clone() for parameter in model.parameters()]
    kitchen.save("reward-safety", model, recipe.History(losses=[1.0]))
    assert all(torch.equal(own, old) for own, old in zip(model.parameters(), before, strict=True))
    assert distance(kitchen.load("reward-safety"), model) > 0
