"""The tokenizer trained here: any text comes back, tags are text, BOS, EOS and PAD are not."""

import json
import random
import subprocess
import sys

import pytest

from llama_course.llamaland.documents import documents
from llama_course.llamaland.world import World
from llama_course.models.prompts import llama_2_prompt, llama_2_token_ids
from llama_course.models.tokenizer import (
    BOS_TOKEN_ID,
    BYTE_OF_SYMBOL,
    EOS_TOKEN_ID,
    PAD_TOKEN_ID,
    load_tokenizer,
    save_tokenizer,
    train_tokenizer,
)

TEXTS = [document.text for document in documents(World(), 3000)]
TAGS = ("[INST]", "[/INST]", "<<SYS>>", "<</SYS>>")


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(TEXTS)


@pytest.fixture(scope="module")
def loaded(tokenizer, tmp_path_factory):
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast.from_pretrained(save_tokenizer(tokenizer, tmp_path_factory.mktemp("tokenizer")))


def any_unicode(seed):
    dice = random.Random(seed)
    points = [dice.choice((dice.randrange(0x80), dice.randrange(0x3000), dice.randrange(0x110000))) for _ in range(60)]
    return "".join(chr(point) for point in points if not 0xD800 <= point < 0xE000)


UNUSUAL = [
    "",
    " ",
    "  two  spaces ",
    "\n\n\t",
    "🦙 à la carte",
    "라마",
    "عربي",
    "don't",
    "\x00",
    *TAGS,
    "<s>",
    "</s>",
    "<pad>",
]


@pytest.mark.parametrize("text", [*UNUSUAL, *map(any_unicode, range(20))])
def test_every_text_comes_back(tokenizer, loaded, text):
    for encoding in (tokenizer.encode(text), tokenizer.encode(text, add_special_tokens=False)):
        assert tokenizer.decode(encoding.ids) == text
    assert loaded.decode(loaded.encode(text), skip_special_tokens=True) == text


def test_the_vocabulary_has_the_size_asked_for_and_known_special_tokens(tokenizer):
    assert tokenizer.get_vocab_size() == 1024
    assert [tokenizer.token_to_id(token) for token in ("<pad>", "<s>", "</s>")] == [0, 1, 2]
    assert (PAD_TOKEN_ID, BOS_TOKEN_ID, EOS_TOKEN_ID) == (0, 1, 2)
    special = [token for token in tokenizer.get_added_tokens_decoder().values() if token.special]
    assert [token.content for token in special] == ["<pad>", "<s>", "</s>"]


@pytest.mark.parametrize("tag", TAGS)
def test_tags_are_ordinary_text(tokenizer, tag):
    ids = tokenizer.encode(tag, add_special_tokens=False).ids
    assert len(ids) > 1
    assert not {PAD_TOKEN_ID, BOS_TOKEN_ID, EOS_TOKEN_ID} & set(ids)


def test_no_text_can_end_a_sequence(tokenizer, loaded):
    for text in ("</s>", "a</s>b<s>c<pad>"):
        for ids in (
            tokenizer.encode(text, add_special_tokens=False).ids,
            loaded.encode(text, add_special_tokens=False),
        ):
            assert not {0, 1, 2} & set(ids)


def test_a_sequence_begins_with_bos_unless_it_is_asked_not_to(tokenizer, loaded):
    for encode in (lambda *a, **k: tokenizer.encode(*a, **k).ids, loaded.encode):
        assert encode("Luma")[0] == BOS_TOKEN_ID
        assert encode("Luma")[1:] == encode("Luma", add_special_tokens=False)
        assert EOS_TOKEN_ID not in encode("Luma")


def test_transformers_reads_what_was_saved(tokenizer, loaded):
    assert (loaded.bos_token_id, loaded.eos_token_id, loaded.pad_token_id) == (1, 2, 0)
    assert len(loaded) == 1024
    for text in TEXTS[:300]:
        assert loaded.encode(text) == tokenizer.encode(text).ids
    batch = loaded(TEXTS[:2], padding=True)
    assert len(batch["input_ids"][0]) == len(batch["input_ids"][1])


def turn(role, content):
    return {"role": role, "content": content}


DIALOGS = [
    [turn("user", "Who is Luma?")],
    [turn("user", "  Hi\n"), turn("assistant", " Hello. "), turn("user", "And?")],
    [turn("system", " Be brief. "), turn("user", " Hi ")],
    [turn("system", "Be\nbrief."), *(turn(r, f"{r} {n} 🦙") for n in range(3) for r in ("user", "assistant"))][:-1],
    [turn("user", "Hi"), turn("assistant", ""), turn("user", '{{ 1 + 1 }} {% raw %} it\'s "so"')],
]


@pytest.mark.parametrize("dialog", DIALOGS)
@pytest.mark.parametrize("loader", ["PreTrainedTokenizerFast", "AutoTokenizer"])
def test_the_chat_template_gives_llama_2_s_prompt_and_ids(tokenizer, tmp_path, dialog, loader):
    import transformers

    loaded = getattr(transformers, loader).from_pretrained(save_tokenizer(tokenizer, tmp_path), local_files_only=True)
    expected = llama_2_token_ids(dialog, lambda text: tokenizer.encode(text, add_special_tokens=False).ids)
    settings = {"return_dict": False, "tokenizer_kwargs": {"split_special_tokens": False}}
    assert loaded.apply_chat_template(dialog, tokenize=False) == llama_2_prompt(dialog)
    assert loaded.apply_chat_template(dialog, add_generation_prompt=True, **settings) == expected


def test_what_was_saved_is_loaded_with_its_special_tokens_out_of_reach(tokenizer, tmp_path):
    again = load_tokenizer(save_tokenizer(tokenizer, tmp_path))
    for text in (*UNUSUAL, *TEXTS[:50]):
        assert again.encode(text).ids == tokenizer.encode(text).ids


def test_a_tokenizer_that_cannot_be_used_is_explained(tokenizer, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"expected tokenizer\.json, got no such file"):
        load_tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match=r"tokenizer\.json: expected a tokenizer, got a file that cannot be read"):
        load_tokenizer(tmp_path)
    content = json.loads(tokenizer.to_str())
    content["added_tokens"][1]["content"] = "<start>"
    content["model"]["vocab"]["<start>"] = content["model"]["vocab"].pop("<s>")
    content["post_processor"] = None
    (tmp_path / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ValueError, match=r"<pad>, <s> and </s> to be tokens 0, 1 and 2, got \[0, None, 2\]"):
        load_tokenizer(tmp_path)


def test_the_symbols_of_byte_level_bpe_are_those_of_the_library():
    from tokenizers import pre_tokenizers

    assert set(BYTE_OF_SYMBOL) == set(pre_tokenizers.ByteLevel.alphabet())
    assert sorted(BYTE_OF_SYMBOL.values()) == list(range(256))
    split = pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str
    for text in ("\x00\x1f \x7f", "é🦙라", "aZ!~"):
        spelt = "".join(piece for piece, _ in split(text))
        assert bytes(BYTE_OF_SYMBOL[symbol] for symbol in spelt) == text.encode("utf-8")


def test_training_twice_gives_the_same_tokenizer(tokenizer):
    assert train_tokenizer(TEXTS).to_str() == tokenizer.to_str()
    code = (
        "import hashlib\nfrom llama_course.llamaland.documents import documents\n"
        "from llama_course.llamaland.world import World\nfrom llama_course.models.tokenizer import train_tokenizer\n"
        "print(train_tokenizer(d.text for d in documents(World(), 3000)).to_str())"
    )
    other = subprocess.check_output([sys.executable, "-c", code], text=True, encoding="utf-8")
    assert json.loads(other) == json.loads(tokenizer.to_str())


def test_the_corpus_is_encoded_tightly(tokenizer):
    characters = sum(map(len, TEXTS))
    tokens = sum(len(encoding.ids) for encoding in tokenizer.encode_batch(TEXTS, add_special_tokens=False))
    assert characters / tokens > 3


def test_impossible_requests_are_refused():
    with pytest.raises(ValueError, match="at least 259"):
        train_tokenizer(["a"], vocab_size=100)
    for nothing in ([], [""]):
        with pytest.raises(ValueError, match="expected texts to learn from"):
            train_tokenizer(nothing)
