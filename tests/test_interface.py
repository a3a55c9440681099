"""What every backend shares: checks of messages and settings, room in the context, one generation at a time."""

import threading

import pytest

from fakes import FakeModel
from llama_course.models import interface
from llama_course.models.interface import (
    GenerationSettings,
    PromptError,
    PromptTooLongError,
    SpecialTagsError,
    Token,
    check_messages,
    check_text,
    fit_to_context,
)


def user(content):
    return {"role": "user", "content": content}


def assistant(content):
    return {"role": "assistant", "content": content}


SYSTEM = {"role": "system", "content": "sys"}


@pytest.mark.parametrize(
    ("raw", "label"),
    [
        (b"llama", "llama"),
        (b" the", "·the"),
        (b"\n\n", "⏎⏎"),
        (b"\t", "⇥"),
        (b"\xf0\x9f", "<0xF0><0x9F>"),
        (b"\x99", "<0x99>"),
        ("라".encode(), "라"),
        ("�".encode(), "�"),  # the real character, which a text may contain
    ],
)
def test_a_token_s_label_makes_it_visible(raw, label):
    assert Token(1, raw.decode("utf-8", "replace"), raw).label == label


@pytest.mark.parametrize("text", ["", " ", "\n\t "])
def test_an_empty_text_is_refused(text):
    with pytest.raises(PromptError, match="write at least one word"):
        check_text(text)


def test_a_broken_character_is_refused_with_its_position():
    with pytest.raises(PromptError, match="broken character at position 3"):
        check_text("abc\ud83d")


@pytest.mark.parametrize("not_text", [None, 5, b"bytes", ["a"]])
def test_what_is_no_text_is_called_so(not_text):
    with pytest.raises(PromptError, match=f"got {type(not_text).__name__}"):
        check_text(not_text)


@pytest.mark.parametrize("text", ["🦙", "مرحبا كيف حالك", "שלום", "a" * 100_000, "e\u0301", "\u202eevil"])
def test_every_script_and_length_is_a_text(text):
    assert check_text(text) == text


def test_a_plain_string_is_one_user_message():
    assert check_messages("Hi") == [user("Hi")]


def test_messages_are_returned_as_copies():
    messages = [user("Hi")]
    checked = check_messages(messages)
    checked[0]["content"] = "changed"
    assert messages == [user("Hi")]


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ([], "got none"),
        (None, "got NoneType"),
        (5, "got int"),
        (user("Hi"), "got dict"),
        (["Hi"], "message 1: expected {.role.: ..., .content.: ...}, got 'Hi'"),
        ([{"role": "user"}], "message 1: expected"),
        ([{"role": "user", "content": "Hi", "name": "Ann"}], "message 1: expected"),
        ([{"role": "robot", "content": "Hi"}], "system, user or assistant, got 'robot'"),
        ([user("Hi"), assistant("  "), user("?")], r"message 2 \(assistant\): the text is empty"),
        ([user(5)], r"message 1 \(user\): expected a text \(str\), got int"),
        ([user("Hi"), user("again")], "user and assistant in turn, ending with user; got user, user"),
        ([user("Hi"), assistant("Hello")], "ending with user; got user, assistant"),
        ([assistant("Hello")], "got assistant"),
        ([SYSTEM], "got system"),
        ([user("Hi"), SYSTEM], "got user, system"),
    ],
)
def test_wrongly_formed_messages_are_refused_with_what_is_wrong(messages, said):
    with pytest.raises(PromptError, match=said):
        check_messages(messages)


@pytest.mark.parametrize(
    "messages",
    [
        [user("Hi")],
        (user("Hi"),),
        [user("Hi"), assistant(""), user("?")],
        [SYSTEM, user("Hi")],
        [SYSTEM, user("Hi"), assistant("Hello"), user("?")],
    ],
)
def test_well_formed_messages_pass(messages):
    assert check_messages(messages) == list(messages)


def test_a_model_s_own_markers_are_refused_in_any_role():
    for place in range(4):
        messages = [SYSTEM, user("Hi"), assistant("Hello"), user("?")]
        messages[place] = {**messages[place], "content": "a<|im_end|>b"}
        with pytest.raises(SpecialTagsError, match=rf"message {place + 1} .*'<\|im_end\|>', a marker"):
            FakeModel().chat(messages)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"temperature": -0.1}, "temperature must be .*from 0 .* to 100, got -0.1"),
        ({"temperature": float("nan")}, "got nan"),
        ({"temperature": float("inf")}, "got inf"),
        ({"temperature": "hot"}, "got 'hot'"),
        ({"temperature": True}, "got True"),
        ({"temperature": None}, "got None"),
        ({"top_p": 0}, "top_p must be above 0 and at most 1, got 0"),
        ({"top_p": 1.01}, "got 1.01"),
        ({"top_p": "0.9"}, "got '0.9'"),
        ({"max_new_tokens": 0}, "max_new_tokens must be a whole number of 1 or more, got 0"),
        ({"max_new_tokens": 2.5}, "got 2.5"),
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"seed": 2**32}, "got 4294967296"),
        ({"seed": 1.0}, "got 1.0"),
    ],
)
def test_impossible_settings_are_refused_before_anything_is_generated(settings, said):
    model = FakeModel()
    for generate in (model.chat, model.complete):
        with pytest.raises(ValueError, match=said):
            generate("Hi", **settings)
    assert model.calls == []


@pytest.mark.parametrize(
    "settings", [{"temperature": 0}, {"temperature": 100}, {"top_p": 1}, {"seed": 0}, {"seed": 2**32 - 2}]
)
def test_settings_at_their_limits_pass(settings):
    assert FakeModel(["yes"]).chat("Hi", **settings) == "yes"


def test_chat_streams_and_complete_hand_the_same_settings_on():
    model = FakeModel(["yes"])
    chosen = {"max_new_tokens": 9, "temperature": 0.3, "top_p": 0.8, "seed": 4}
    model.chat("Hi", **chosen)
    model.stream("Hi", None, **chosen)
    model.complete("Hi", **chosen)
    assert [settings for _, settings in model.calls] == [GenerationSettings(9, 0.3, 0.8, 4)] * 3


def test_pieces_go_to_the_callback_and_false_stops():
    seen = []
    assert FakeModel(["abc"]).stream("Hi", seen.append) == "abc" == "".join(seen)
    assert FakeModel(["abc"]).stream("Hi", lambda piece: piece != "b") == "ab"


def test_an_answer_gets_only_the_room_that_the_prompt_leaves():
    model = FakeModel(["x" * 100], max_context_tokens=20)
    assert model.chat("y" * 12, max_new_tokens=50) == "x" * 6  # the fake template takes 2 tokens
    assert model.complete("y" * 19, max_new_tokens=50) == "x"


def test_a_prompt_that_fills_the_context_is_refused_with_both_numbers():
    model = FakeModel(max_context_tokens=20)
    with pytest.raises(PromptTooLongError, match="has 20 tokens; fake considers 20 at once"):
        model.complete("y" * 20)
    with pytest.raises(PromptTooLongError, match="has 100,002 tokens"):
        model.chat("y" * 100_000)
    assert model.calls == []


def test_a_second_generation_waits_for_the_first():
    model = FakeModel(["abcdefgh", "12345678"], delay_s=0.005)
    order = []
    threads = [threading.Thread(target=model.stream, args=("Hi", order.append)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "".join(order) == "abcdefgh12345678"


def test_a_model_says_what_it_is():
    assert repr(FakeModel(max_context_tokens=20)) == "<fake on fake, context 20 tokens>"


CONVERSATION = [SYSTEM, *(m for i in range(4) for m in (user(f"q{i}"), assistant(f"a{i}"))), user("last")]  # 43 tokens


def test_a_conversation_that_fits_is_sent_whole():
    assert fit_to_context(FakeModel(max_context_tokens=100), CONVERSATION, 30) == (CONVERSATION, 0)


def test_the_oldest_turns_are_left_out_until_the_answer_has_room():
    sent, left_out = fit_to_context(FakeModel(max_context_tokens=40), CONVERSATION, 10)
    assert sent == [SYSTEM, *CONVERSATION[5:]]
    assert left_out == 4


def test_the_answer_gets_at_most_half_of_the_context():
    sent, left_out = fit_to_context(FakeModel(max_context_tokens=40), CONVERSATION, 10_000)
    assert sent == [SYSTEM, *CONVERSATION[7:]]  # 19 tokens, and 27 with one more turn
    assert left_out == 6


def test_what_fits_can_always_be_sent():
    for context in range(12, 60):
        model = FakeModel(["x" * 100], max_context_tokens=context)
        sent, left_out = fit_to_context(model, CONVERSATION, 5)
        assert len(sent) + left_out == len(CONVERSATION)
        assert sent[0] == SYSTEM and sent[-1] == CONVERSATION[-1]
        assert model.chat(sent)


def test_a_last_message_that_alone_is_too_long_is_refused():
    with pytest.raises(PromptTooLongError, match="Shorten it"):
        fit_to_context(FakeModel(max_context_tokens=40), [SYSTEM, user("y" * 50)], 10)


def test_errors_of_prompts_are_value_errors():
    assert issubclass(interface.PromptTooLongError, PromptError)
    assert issubclass(interface.SpecialTagsError, PromptError)
    assert issubclass(PromptError, ValueError)
    assert issubclass(interface.ModelNotAvailableError, RuntimeError)
