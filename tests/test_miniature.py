"""The miniature backend against transformers on the same files, torch's own loss, and scripted logits."""

import json
import math
import shutil
import subprocess
import sys
import threading

import numpy as np
import pytest

from llama_course.models.catalog import LLAMA_2_TAGS, TINY_CHAT
from llama_course.models.interface import ModelNotAvailableError, PromptTooLongError, SpecialTagsError
from llama_course.models.llama_files import load_llama
from llama_course.models.loading import load_model
from llama_course.models.miniature import MiniatureModel, open_miniature
from llama_course.models.prompts import llama_2_token_ids
from llama_course.models.tokenizer import BOS_TOKEN_ID, EOS_TOKEN_ID, load_tokenizer
from llama_course.models.transformers_backend import TransformersModel
from miniature_family import flip_one_byte


def user(content):
    return {"role": "user", "content": content}


def assistant(content):
    return {"role": "assistant", "content": content}


SYSTEM = {"role": "system", "content": "Be polite."}
DIALOGS = [
    [user("What is Luma's job?")],
    [SYSTEM, user("  Hello! \n")],
    [SYSTEM, user("Hi"), assistant(" Hello, and welcome. "), user("Who are you?"), assistant(""), user("🦙?")],
    [user("a </s> b <s> c <pad>")],
]
TEXTS = ["Luma lives in Moss Row.", "A llama 🦙 eats grass. مرحبا", "</s> is text"]


@pytest.fixture(scope="module")
def folder(random_family):
    return random_family / "tiny-chat"


@pytest.fixture(scope="module")
def model(folder):
    return open_miniature(TINY_CHAT, folder)


@pytest.fixture(scope="module")
def theirs(folder):
    return TransformersModel(TINY_CHAT, folder)


def scripted(folder, text_ids):
    """A miniature whose model is made to say these ids, whatever it reads, and then to end."""
    tokenizer = load_tokenizer(folder)
    model = open_miniature(TINY_CHAT, folder)
    script = iter([*(text_ids if isinstance(text_ids, list) else encode(tokenizer, text_ids)), EOS_TOKEN_ID])
    model._step = lambda token_ids, cache: (np.log(np.eye(1024)[next(script)] + 1e-9), cache)
    return model


def encode(tokenizer, text):
    return tokenizer.encode(text, add_special_tokens=False).ids


# -- equal to transformers on the same files -----------------------------------------------------------------------


def test_greedy_answers_are_those_of_transformers(model, theirs):
    ours, others = (
        [each.chat(dialog, temperature=0, max_new_tokens=24) for dialog in DIALOGS] for each in (model, theirs)
    )
    assert ours == others
    assert len(set(ours)) > 2
    assert [model.count_tokens(dialog) for dialog in DIALOGS] == [theirs.count_tokens(dialog) for dialog in DIALOGS]


@pytest.mark.parametrize("text", TEXTS)
def test_text_tokens_and_probabilities_are_those_of_transformers(model, theirs, text):
    assert model.complete(text, temperature=0, max_new_tokens=24) == theirs.complete(
        text, temperature=0, max_new_tokens=24
    )
    assert model.tokenize(text) == theirs.tokenize(text)
    ours, others = ([item.log_prob for item in each.log_probabilities(text)] for each in (model, theirs))
    assert ours[0] is others[0] is None
    assert ours[1:] == pytest.approx(others[1:], abs=1e-3)
    best = [each.next_token_probabilities(text, 5) for each in (model, theirs)]
    assert [item.token for item in best[0]] == [item.token for item in best[1]]
    assert [item.probability for item in best[0]] == pytest.approx([item.probability for item in best[1]], rel=1e-3)


def test_the_same_seed_draws_the_same_text_on_both(model, theirs):
    settings = {"temperature": 0.8, "top_p": 0.9, "max_new_tokens": 12, "seed": 5}
    assert model.chat("Hi", **settings) == theirs.chat("Hi", **settings)


# -- the interface -------------------------------------------------------------------------------------------------


def test_greedy_text_is_that_of_the_llama_s_own_generate(model):
    import torch

    ids = [BOS_TOKEN_ID, *encode(model.tokenizer, "Luma lives")]
    made = model.model.generate(torch.tensor([ids]), 20, temperature=0)[0, len(ids) :].tolist()
    assert model.complete("Luma lives", temperature=0, max_new_tokens=20) == model.tokenizer.decode(made)


def test_every_text_begins_with_bos_for_the_model_alone(model):
    import torch

    text = "Luma lives in Moss Row."
    ids = torch.tensor([[BOS_TOKEN_ID, *encode(model.tokenizer, text)]])
    with torch.no_grad():
        log_probs = torch.log_softmax(model.model(ids)[0], dim=-1)  # (T, V)
    expected = [float(log_probs[i - 1, ids[0, i]]) for i in range(2, ids.shape[1])]
    scored = model.log_probabilities(text)
    assert [item.token for item in scored] == model.tokenize(text)
    assert scored[0].log_prob is None
    assert [item.log_prob for item in scored[1:]] == pytest.approx(expected, abs=1e-4)
    (best,) = model.next_token_probabilities(text, 1)
    assert best.token.id == int(log_probs[-1].argmax())
    assert math.log(best.probability) == pytest.approx(float(log_probs[-1].max()), abs=1e-4)


def test_a_chat_prompt_is_llama_2_s(model):
    for dialog in DIALOGS:
        ids = llama_2_token_ids(dialog, lambda text: encode(model.tokenizer, text))
        assert model.count_tokens(dialog) == len(ids)
        assert model._chat_ids(dialog) == ids


def test_tokens_spell_the_text_and_name_the_special_ones(model):
    for text in (*TEXTS, "  two  spaces\n", "라마"):
        assert b"".join(token.bytes for token in model.tokenize(text)) == text.encode("utf-8")
    assert [model._token(i).text for i in (0, 1, 2)] == ["<pad>", "<s>", "</s>"]
    assert [token.label for token in model.tokenize("é")] == ["<0xC3>", "<0xA9>"]


def test_probabilities_of_the_whole_vocabulary_sum_to_1(model):
    every = model.next_token_probabilities("Luma", 10**6)
    assert len(every) == 1024
    assert sum(item.probability for item in every) == pytest.approx(1)


@pytest.mark.parametrize("tag", LLAMA_2_TAGS)
def test_typed_markers_are_refused(model, tag):
    for dialog in ([user(f"a {tag} b")], [{"role": "system", "content": tag}, user("Hi")]):
        with pytest.raises(SpecialTagsError, match="a marker of the chat format"):
            model.chat(dialog)


def test_a_typed_end_marker_is_text(model):
    ids = model._chat_ids([user("a</s>b<s>c<pad>")])
    assert ids[0] == BOS_TOKEN_ID
    assert not {0, 1, 2} & set(ids[1:])


def test_a_prompt_that_fills_the_512_tokens_is_refused(model):
    assert len(model.tokenize(" a" * 511)) == 511
    assert model.complete(" a" * 510, temperature=0) is not None  # BOS, 510 tokens, room for one
    for ask in (model.complete, model.next_token_probabilities, model.log_probabilities):
        with pytest.raises(PromptTooLongError, match="has 512 tokens; tiny-chat considers 512 at once"):
            ask(" a" * 511)
    with pytest.raises(PromptTooLongError, match="tiny-chat considers 512 at once"):
        model.chat(" a" * 511)
    with pytest.raises(PromptTooLongError, match="has 100,001 tokens"):
        model.complete(" a" * 100_000)


def test_the_context_is_never_longer_than_the_model_s_own(folder, model):
    assert model.max_context_tokens == 512
    assert open_miniature(TINY_CHAT, folder, 2048).max_context_tokens == 512
    assert TransformersModel(TINY_CHAT, folder, 2048).max_context_tokens == 512
    assert open_miniature(TINY_CHAT, folder, 64).max_context_tokens == 64


def test_an_answer_may_fill_the_context_to_its_last_token(folder):
    small = open_miniature(TINY_CHAT, folder, 32)
    small._end_ids = set
    prompt = len(small.tokenize("Luma lives")) + 1
    made = []
    step = small._step
    small._step = lambda ids, cache: made.append(len(ids)) or step(ids, cache)
    small.complete("Luma lives", max_new_tokens=1000, temperature=0)
    assert made == [prompt, *[1] * (32 - prompt - 1)]  # the last token is drawn and need not be read


def test_pieces_are_whole_characters_and_add_up(folder):
    pieces = []
    text = scripted(folder, "ab 🦙 é 라마!").complete("x", on_token=pieces.append)
    assert "".join(pieces) == text == "ab 🦙 é 라마!"
    assert not [piece for piece in pieces if "�" in piece]
    assert len(pieces) > 4


def test_an_unfinished_character_at_the_end_is_left_out(folder):
    llama_bytes = encode(load_tokenizer(folder), "🦙")
    assert scripted(folder, [*encode(load_tokenizer(folder), "ok "), *llama_bytes[:2]]).complete("x") == "ok "


def test_an_answer_has_no_outer_spaces_and_a_continuation_keeps_them(folder):
    pieces = []
    assert scripted(folder, " Luma is a baker. ").stream("Who?", pieces.append) == "Luma is a baker."
    assert "".join(pieces) == "Luma is a baker."
    assert scripted(folder, " a baker. ").complete("Luma is") == " a baker. "


def test_false_stops_and_an_error_in_the_callback_reaches_the_caller(folder, model):
    pieces = []
    assert scripted(folder, "a b c d e").stream("x", lambda piece: pieces.append(piece) or len(pieces) < 3) == "a b c"
    with pytest.raises(ZeroDivisionError):
        model.stream("Hello", lambda piece: 1 / 0, temperature=0)
    assert model.complete("Luma", temperature=0, max_new_tokens=3)


def test_the_same_seed_gives_the_same_text_and_others_differ(model):
    texts = [model.complete("Luma", seed=seed, max_new_tokens=8, temperature=1.5, top_p=1) for seed in (1, 1, 2, 3)]
    assert texts[0] == texts[1]
    assert len(set(texts)) == 3


def test_two_threads_do_not_mix(model):
    alone = {p: model.complete(p, temperature=0, max_new_tokens=10) for p in ("Luma", "pear soup")}
    together = {}
    threads = [
        threading.Thread(target=lambda p=p: together.update({p: model.complete(p, temperature=0, max_new_tokens=10)}))
        for p in alone
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


def test_a_closed_model_says_so(folder):
    model = open_miniature(TINY_CHAT, folder)
    model.close()
    for ask in (model.chat, model.complete, model.tokenize, model.next_token_probabilities, model.log_probabilities):
        with pytest.raises(ModelNotAvailableError, match=r"was closed. Load it again"):
            ask("Hi")


def test_a_model_in_memory_can_chat(folder):
    llama = load_llama(folder)
    model = MiniatureModel(TINY_CHAT, llama, load_tokenizer(folder))
    assert model.model is llama
    assert model.chat("Hi", temperature=0, max_new_tokens=3) is not None
    assert repr(model) == "<tiny-chat on miniature, context 512 tokens>"


# -- what cannot be loaded -----------------------------------------------------------------------------------------


@pytest.fixture
def copy(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "copy")


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_missing_or_broken_file_is_named(copy, file):
    (copy / file).write_bytes(b"{broken")
    with pytest.raises(ModelNotAvailableError, match=rf"tiny-chat cannot be loaded. .*{file}"):
        open_miniature(TINY_CHAT, copy)
    (copy / file).unlink()
    with pytest.raises(ModelNotAvailableError, match=rf"tiny-chat cannot be loaded. .*{file}"):
        open_miniature(TINY_CHAT, copy)


def test_a_tokenizer_of_another_size_is_refused_with_both_sizes(copy):
    from llama_course.models.tokenizer import save_tokenizer, train_tokenizer

    save_tokenizer(train_tokenizer(["Luma lives in Moss Row."] * 3, 300), copy)
    with pytest.raises(ModelNotAvailableError, match=r"a tokenizer with the 1024 tokens .* got one with 2\d\d"):
        open_miniature(TINY_CHAT, copy)


def test_a_config_of_another_size_is_refused(copy):
    config = json.loads((copy / "config.json").read_text(encoding="utf-8"))
    (copy / "config.json").write_text(json.dumps(config | {"vocab_size": 1000}), encoding="utf-8")
    with pytest.raises(ModelNotAvailableError, match=r"vocabulary of 1000: are these weights of another tokenizer"):
        open_miniature(TINY_CHAT, copy)


def test_a_damaged_shipped_model_is_not_loaded(own_miniatures):
    flip_one_byte(own_miniatures / "tiny-chat" / "model.safetensors")
    with pytest.raises(ModelNotAvailableError, match=r"model\.safetensors is damaged"):
        load_model("tiny-chat")


def test_it_starts_without_transformers_and_without_a_chat_engine(miniatures):
    code = (
        "import sys; import llama_course.models.miniature; assert 'torch' not in sys.modules\n"
        "from llama_course import load_model; load_model('tiny-chat').chat('Hi', max_new_tokens=2)\n"
        "print({'transformers', 'xllamacpp', 'huggingface_hub'} & set(sys.modules))"
    )
    out = subprocess.check_output([sys.executable, "-c", code], text=True, encoding="utf-8", timeout=60)
    assert out.strip() == "set()"
