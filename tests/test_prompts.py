"""The Llama 2 chat format against Meta's documented strings and against ids from Llama 2's own tokenizer."""

import json

import pytest

from llama_course.models.interface import PromptError, SpecialTagsError
from llama_course.models.prompts import llama_2_prompt, llama_2_token_ids, llama_2_turns
from llama_course.models.recorded import llama_2_tokens
from llama_course.paths import data_file

RECORDED = json.loads(data_file("models/llama_2_tokens.json").read_text(encoding="utf-8"))
BOS, EOS = 1, 2


def user(content):
    return {"role": "user", "content": content}


def assistant(content):
    return {"role": "assistant", "content": content}


def system(content):
    return {"role": "system", "content": content}


def of_bytes(text):
    """A stand-in for a tokenizer: each byte is a token, apart from the ids of BOS and EOS."""
    return [byte + 3 for byte in text.encode("utf-8")]


def to_text(token_ids):
    """Turn ids of ``of_bytes`` back into text, with BOS and EOS made visible."""
    special = {BOS: b"<s>", EOS: b"</s>"}
    return b"".join(special.get(i) or bytes([i - 3]) for i in token_ids).decode("utf-8")


def from_recording(token_ids, pieces):
    """Text of recorded tokens, as SentencePiece decodes them."""
    known = {BOS: "<s>", EOS: "</s>"}
    raw = b""
    for token_id, piece in zip(token_ids, pieces, strict=True):
        byte = piece.startswith("<0x") and bytes([int(piece[3:5], 16)])
        raw += byte or known.get(token_id, piece.replace("▁", " ")).encode("utf-8")
    return raw.decode("utf-8")


def test_a_single_question_as_meta_documents_it():
    assert llama_2_prompt("What is a llama?") == "<s>[INST] What is a llama? [/INST]"


def test_a_system_message_as_meta_documents_it():
    assert llama_2_prompt([system("Be brief."), user("What is a llama?")]) == (
        "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nWhat is a llama? [/INST]"
    )


def test_a_dialog_as_meta_documents_it():
    dialog = [system("Be brief."), user("Hi"), assistant("Hello."), user("And?"), assistant("Bye."), user("Wait!")]
    assert llama_2_prompt(dialog) == (
        "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST] Hello. </s>"
        "<s>[INST] And? [/INST] Bye. </s>"
        "<s>[INST] Wait! [/INST]"
    )


def test_outer_white_space_is_stripped_as_meta_does():
    dialog = [user("  Hi\n"), assistant("\nHello. "), user(" And? ")]
    assert llama_2_prompt(dialog) == "<s>[INST] Hi [/INST] Hello. </s><s>[INST] And? [/INST]"


def test_white_space_inside_the_system_message_stays_as_meta_leaves_it():
    prompt = llama_2_prompt([system(" Be brief. "), user(" Hi ")])
    assert prompt == "<s>[INST] <<SYS>>\n Be brief. \n<</SYS>>\n\n Hi [/INST]"


def test_each_turn_is_its_question_and_its_answer():
    dialog = [user("a"), assistant("b"), user("c")]
    assert llama_2_turns(dialog) == [("[INST] a [/INST]", "b"), ("[INST] c [/INST]", None)]


def test_each_turn_opens_with_bos_and_each_finished_turn_closes_with_eos():
    dialog = [system("Be brief."), user("Hi"), assistant("Hello."), user("And?")]
    token_ids = llama_2_token_ids(dialog, of_bytes)
    assert to_text(token_ids) == llama_2_prompt(dialog)
    assert token_ids[0] == BOS
    assert (token_ids.count(BOS), token_ids.count(EOS)) == (2, 1)
    assert token_ids[token_ids.index(EOS) + 1] == BOS
    assert token_ids[-1] not in (BOS, EOS)


def test_the_tokenizer_is_called_once_for_each_turn_as_meta_does():
    seen = []
    llama_2_token_ids([user("Hi"), assistant("Hello."), user("And?")], lambda text: seen.append(text) or [])
    assert seen == ["[INST] Hi [/INST] Hello. ", "[INST] And? [/INST]"]


def test_other_ids_of_bos_and_eos_can_be_given():
    dialog = [user("Hi"), assistant("Hello."), user("And?")]
    token_ids = llama_2_token_ids(dialog, lambda text: [7], bos_token_id=100, eos_token_id=200)
    assert token_ids == [100, 7, 200, 100, 7]


@pytest.mark.parametrize("row", RECORDED["dialogs"], ids=lambda row: row["id"])
def test_dialogs_have_the_ids_that_llama_2_s_own_tokenizer_gave(row):
    """The recording knows the ids of whole turns: looking a turn up there fails if its text differs in any sign."""
    known, start = {}, 0
    for position, token_id in [*enumerate(row["ids"]), (len(row["ids"]), EOS)]:
        if token_id == BOS:
            start = position + 1
        elif token_id == EOS and start is not None:
            ids, pieces = row["ids"][start:position], row["pieces"][start:position]
            known[from_recording(ids, pieces).removeprefix(" ")] = ids  # SentencePiece puts a space in front
            start = None
    assert llama_2_token_ids(row["messages"], known.__getitem__) == row["ids"]


@pytest.mark.parametrize("row", RECORDED["texts"], ids=lambda row: row["id"])
def test_recorded_pieces_spell_their_text(row):
    assert from_recording(row["ids"], row["pieces"]) == " " + row["text"]  # SentencePiece puts a space in front
    assert all(2 < token_id < 32_000 for token_id in row["ids"])


def test_the_recording_shows_what_the_paper_says_of_the_tokenizer():
    pieces = {row["id"]: row["pieces"] for row in RECORDED["texts"]}
    assert pieces["digits"] == ["▁", "2", "0", "2", "3"]  # numbers are split into single digits
    assert pieces["emoji"] == ["▁", "<0xF0>", "<0x9F>", "<0xA6>", "<0x99>"]  # unknown characters become bytes
    lengths = {name: len(pieces[name]) for name in ("plain_english", "spanish", "german", "korean")}
    assert lengths["korean"] == 2 * lengths["plain_english"] == max(lengths.values())


def test_one_piece_has_one_id_throughout_the_recording():
    pairs = {
        (i, p)
        for row in RECORDED["texts"] + RECORDED["dialogs"]
        for i, p in zip(row["ids"], row["pieces"], strict=True)
    }
    assert len(pairs) == len({i for i, _ in pairs}) == len({p for _, p in pairs})


def test_recorded_texts_come_as_tokens():
    text, tokens = llama_2_tokens("emoji")
    assert text == "🦙"
    assert [token.label for token in tokens] == ["·", "<0xF0>", "<0x9F>", "<0xA6>", "<0x99>"]
    assert b"".join(token.bytes for token in tokens) == " 🦙".encode()


def test_an_unknown_recording_is_answered_with_those_there_are():
    with pytest.raises(ValueError, match=r"no recorded text 'latin'.*korean"):
        llama_2_tokens("latin")


@pytest.mark.parametrize("tag", ["[INST]", "[/INST]", "<<SYS>>", "<</SYS>>"])
@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("text", ["{}", "before {} after", "{}first", "last{}"])
def test_tags_are_refused_in_every_message_and_position(tag, place, text):
    dialog = [system("Be brief."), user("Hi"), assistant("Hello."), user("And?")]
    dialog[place] = {**dialog[place], "content": text.format(tag)}
    with pytest.raises(SpecialTagsError) as caught:
        llama_2_prompt(dialog)
    assert f"message {place + 1} ({dialog[place]['role']}) contains {tag!r}" in str(caught.value)


@pytest.mark.parametrize("harmless", ["[inst]", "[ INST ]", "<SYS>", "INST", "[[INST"])
def test_text_that_only_resembles_a_tag_is_left_alone(harmless):
    assert harmless in llama_2_prompt(harmless)


@pytest.mark.parametrize(
    "dialog",
    [
        [],
        [system("Be brief.")],
        [assistant("Hello.")],
        [user("Hi"), user("again")],
        [user("Hi"), assistant("Hello.")],
        [user("Hi"), system("Be brief."), user("And?")],
        [system("a"), system("b"), user("c")],
    ],
)
def test_dialogs_that_meta_s_code_would_not_take_are_refused(dialog):
    with pytest.raises(PromptError, match=r"expected"):
        llama_2_prompt(dialog)
