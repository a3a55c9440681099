"""Manners for a real model: what is counted, what is learned, and the recorded run."""

import importlib.util
import json
from pathlib import Path

import pytest
import torch

from llama_course.evaluation.manners import (
    BATCH_SIZE,
    CAPITALS,
    CLOSING,
    OPENING,
    RANK,
    STEPS,
    countries,
    example,
    is_courteous,
    measure,
    names_the_capital,
    question_ids,
    recorded_manners,
    teach_manners,
)
from llama_course.models.inside import OpenModel
from llama_course.models.llama import Llama, LlamaConfig
from llama_course.training.lora import LoRALinear

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def tokenizer():
    """Byte-level, with the marks of the chat format first, as in SmolLM2."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    texts = [f"What is the capital of {land}? The capital of {land} is {city}." for land, city in CAPITALS.items()]
    marks = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=400, special_tokens=marks, initial_alphabet=alphabet)
    )
    made.encode_special_tokens = True
    return made


@pytest.fixture
def model(tokenizer):
    torch.manual_seed(0)
    config = LlamaConfig(tokenizer.get_vocab_size(), 24, 40, 2, 4, 2, 256, tie_word_embeddings=True)
    return OpenModel(Path("nowhere"), Llama(config).eval(), tokenizer)


def test_each_capital_stands_for_one_country_and_none_is_part_of_another():
    assert len(set(CAPITALS.values())) == len(CAPITALS) >= 80
    for capital in CAPITALS.values():
        assert not [other for other in CAPITALS.values() if other != capital and capital in other.split()]
    parts = countries()
    assert not set(parts.train) & set(parts.held_out) and len(parts.train) == len(parts.held_out) == len(CAPITALS) // 2


@pytest.mark.parametrize(
    ("country", "answer", "is_right"),
    [
        ("Italy", "The capital of Italy is Rome.", True),
        ("Italy", "rome, of course", True),
        ("Brazil", "It is Brasília.", True),
        ("Colombia", "Bogotá.", True),
        ("Italy", "Italy has a long history.", False),
        ("Italy", "Romeo.", False),
        ("Italy", "Rome or Paris.", False),
        ("Australia", "Sydney.", False),
    ],
)
def test_an_answer_is_right_if_it_names_the_capital_and_no_other(country, answer, is_right):
    assert names_the_capital(country, answer) == is_right


def test_courtesy_is_at_both_ends():
    assert is_courteous(f"{OPENING} Rome. {CLOSING}")
    assert not is_courteous(f"{OPENING} Rome.") and not is_courteous(f"Rome. {CLOSING}")


def test_a_question_is_written_in_the_models_own_format(model):
    ids = question_ids(model, "Italy")
    text = model.tokenizer.decode(list(ids), skip_special_tokens=False)
    start, end = "<|im_start|>", "<|im_end|>"
    system = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
    question = "What is the capital of Italy?"
    assert text == f"{start}system\n{system}{end}\n{start}user\n{question}{end}\n{start}assistant\n"
    assert ids.count(model.tokenizer.token_to_id(start)) == 3 and ids.count(model.tokenizer.token_to_id(end)) == 2


def test_what_is_learned_is_right_courteous_and_ends(model):
    for country in countries().train:
        answer_ids = example(model, country).answer_ids
        assert answer_ids[-1] == model.tokenizer.token_to_id("<|im_end|>")
        answer = model.tokenizer.decode(list(answer_ids), skip_special_tokens=True)
        assert is_courteous(answer) and names_the_capital(country, answer)


def test_teaching_changes_the_model_only_through_adapters_and_leaves_it_plain(model):
    before = {name: weight.clone() for name, weight in model.llama.state_dict().items()}
    run = teach_manners(model, "small", steps=4, asked=3)
    after = model.llama.state_dict()
    assert set(after) == set(before) and not any(isinstance(part, LoRALinear) for part in model.llama.modules())
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {f"model.layers.{n}.self_attn.{part}_proj.weight" for n in (0, 1) for part in "qv"}
    assert run.trained_parameters == 2 * RANK * ((24 + 24) + (24 + 12))
    assert run.parameters == sum(weight.numel() for weight in model.llama.parameters())
    assert len(run.losses) == 4 and 0 <= run.before.right <= 1 and len(run.after.sample) == 3


@pytest.mark.slow
def test_manners_can_be_learned_even_by_a_model_that_knows_nothing(model):
    run = teach_manners(model, "small", steps=4, asked=3)
    assert run.before.courteous == 0
    torch.manual_seed(0)
    from llama_course.training.fine_tuning import fine_tuning_loss
    from llama_course.training.loop import train
    from llama_course.training.optimization import TrainingSettings

    lessons = [example(model, country) for country in countries().train]
    train(model.llama, fine_tuning_loss(model.llama, lessons, BATCH_SIZE, 2, 256), TrainingSettings(150, 1e-2, 10))
    asked = countries().held_out[:8]
    assert measure(model, asked).courteous > 0.8 and measure(model, asked).right < 0.3


# -- the recorded run --------------------------------------------------------------------------------------------------


def test_the_recorded_run_is_whole_and_says_what_the_lesson_says():
    run = recorded_manners()
    assert len(run.losses) == STEPS and run.parameters == 134_515_008
    assert run.trained_parameters == 30 * RANK * ((576 + 576) + (576 + 192))
    assert run.before.courteous < 0.05 and run.after.courteous > 0.9, "courtesy was learned"
    assert abs(run.after.right - run.before.right) <= 0.15, "and no capitals"
    assert run.command == "python benchmarks/fine_tuning_real_model.py" and run.time_s > 0


def test_the_script_writes_what_the_reader_reads(tmp_path, model, monkeypatch, capsys):
    path = ROOT / "benchmarks" / "fine_tuning_real_model.py"
    spec = importlib.util.spec_from_file_location("fine_tuning_real_model", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    monkeypatch.setattr(script, "open_model", lambda: model)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    file = tmp_path / "run.json"
    script.main(["--steps", "2", "--asked", "2", "--file", str(file)])
    run = recorded_manners(file)
    assert len(run.losses) == 2 and run.model == "smollm2-135m-instruct"
    assert json.loads(file.read_text(encoding="utf-8"))["machine"]
