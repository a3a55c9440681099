"""The chat box, asked through its traits."""

import threading
import time

import pytest

from fakes import FakeModel
from llama_course.models.interface import ModelNotAvailableError
from llama_course.widgets import chat as chat_module
from llama_course.widgets.chat import ChatBox, Throttle
from llama_course.widgets.html import to_text


def wait_until(is_true, timeout_s=10):
    end = time.monotonic() + timeout_s
    while not is_true():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


def test_an_answer_comes_into_the_transcript_and_the_input_is_emptied(fake_model):
    box = ChatBox(fake_model)
    box.input.value = "Hello"
    box.send.click()
    box.thread.join(10)
    assert "Hello from a fake model." in to_text(box.transcript.value)
    assert box.input.value == ""
    assert (box.send.disabled, box.stop.disabled) == (False, True)


def test_the_sliders_are_sent_and_the_conversation_is_remembered(fake_model):
    box = ChatBox(fake_model, system="Be brief.")
    box.temperature.value, box.top_p.value = 0.2, 0.5
    box.ask("one")
    box.ask("two")
    messages, settings = fake_model.calls[-1]
    assert [m["role"] for m in messages] == ["system", "user", "assistant", "user"]
    assert (settings.temperature, settings.top_p) == (0.2, 0.5)


def test_markup_of_a_model_or_a_person_is_shown_and_not_obeyed():
    planted = "<script>alert(1)</script>"
    box = ChatBox(FakeModel([planted]))
    assert box.ask(planted) == planted
    for page in (box.transcript.value, box.static_html()):
        assert "<script" not in page
        assert page.count("&lt;script&gt;") == 2


def test_where_two_models_answered_each_answer_has_its_name():
    first, second = FakeModel(["from one"]), FakeModel(["from two"])
    first.name, second.name = "one-chat", "two-chat"
    box = ChatBox(first, models=["two-chat"])
    box.loaded.models["two-chat"] = second
    box.ask("Hello")
    assert "Model:" in to_text(box.transcript.value) and "one-chat" not in box.transcript.value
    box.menu.value = "two-chat"
    box.ask("And you?")
    for page in (to_text(box.transcript.value), to_text(box.static_html())):
        assert page.index("one-chat:") < page.index("from one") < page.index("two-chat:") < page.index("from two")
        assert "Model:" not in page
    assert all(set(message) == {"role", "content"} for message in second.calls[-1][0])


def test_stop_keeps_what_was_said():
    whole = "word " * 80
    box = ChatBox(FakeModel([whole], delay_s=0.05), max_new_tokens=len(whole))
    box.start("talk")
    wait_until(lambda: "word" in box.transcript.value)
    box.stop.click()
    box.thread.join(10)
    assert 0 < len(box.conversation.turns[-1]["content"]) < len(whole)
    assert "Stopped" in box.status.value


def test_a_second_message_while_answering_is_refused_in_words():
    box = ChatBox(FakeModel(["slow " * 60], delay_s=0.05))
    box.start("first")
    wait_until(lambda: "slow" in box.transcript.value)
    box.input.value = "second"
    box.start("second")
    assert "wait for it, or press Stop" in box.status.value
    assert box.input.value == "second"
    box.forget()
    assert not box.is_busy


@pytest.mark.parametrize(
    ("text", "said"), [("", "Write something"), ("x" * 1000, "tokens"), ("<|im_start|>system", "marker")]
)
def test_what_cannot_be_sent_is_explained_and_not_lost(fake_model, text, said):
    box = ChatBox(fake_model)
    box.input.value = text
    assert box.ask(text) is None
    assert said in box.status.value
    assert box.input.value == text
    assert box.conversation.turns == []
    assert box.ask("again") is not None


def test_a_missing_model_is_explained_and_another_can_be_chosen(fake_model, monkeypatch):
    def load(name):
        raise ModelNotAvailableError(f"{name} is not on this computer.")

    monkeypatch.setattr(chat_module, "load_model", load)
    box = ChatBox(fake_model, models=["absent"])
    box.menu.value = "absent"
    assert box.ask("hello") is None
    assert "absent is not on this computer." in box.status.value
    box.menu.value = "fake"
    assert box.ask("hello") is not None


def test_a_model_given_by_name_is_loaded_when_first_asked(fake_model, monkeypatch):
    loaded = []
    monkeypatch.setattr(chat_module, "load_model", lambda name: loaded.append(name) or fake_model)
    box = ChatBox("fake")
    assert loaded == []
    box.ask("one")
    box.ask("two")
    assert loaded == ["fake"]


def test_an_outgrown_window_is_said():
    box = ChatBox(FakeModel(["answer " * 5], max_context_tokens=160), max_new_tokens=40)
    for i in range(5):
        assert box.ask(f"question number {i}")
    assert "no longer fit into the model's window" in to_text(box.status.value)
    assert "question number 0" in box.transcript.value
    sent, _ = box.loaded.models["fake"].calls[-1]
    assert "question number 0" not in str(sent) and "question number 4" in str(sent)


def test_any_failure_of_a_model_becomes_words():
    box = ChatBox(FakeModel(error=RuntimeError("the engine broke")))
    assert box.ask("hello") is None
    assert "the engine broke" in box.status.value
    assert not box.send.disabled


def test_clear_forgets(fake_model):
    box = ChatBox(fake_model)
    box.ask("hello")
    box.clear.click()
    assert box.conversation.turns == []
    assert "hello" not in box.transcript.value
    assert "Write a message" in box.static_html()


def test_emoji_and_right_to_left_text_arrive(fake_model):
    box = ChatBox(fake_model)
    box.ask("שלום 🦙")
    assert '<span dir="auto"' in box.static_html()
    assert "שלום 🦙" in box.static_html()


def test_the_transcript_is_a_live_region(fake_model):
    box = ChatBox(fake_model)
    box.ask("hello")
    assert 'role="log" aria-live="polite" aria-busy="false"' in box.transcript.value
    assert "lc-message-user" in box.transcript.value
    assert "lc-message-assistant" in box.transcript.value
    for name in ("input", "send", "stop", "clear", "transcript"):
        assert f"lc-chat-{name}" in getattr(box, name)._dom_classes


def test_a_throttle_lets_one_update_through():
    throttle = Throttle(seconds=60)
    assert throttle.is_due()
    assert not throttle.is_due()


def test_a_fast_answer_of_many_pieces_is_shown_in_few_updates():
    box = ChatBox(FakeModel(["word " * 80]), max_new_tokens=500)
    updates = []
    box.transcript.observe(lambda change: updates.append(change["new"]), names="value")
    box.ask("talk")
    assert len(updates) < 20
    assert "word " * 80 in updates[-1]
    assert 'aria-busy="true"' in updates[0]


def test_ask_during_an_answer_is_refused_and_does_not_return_the_other_answer():
    box = ChatBox(FakeModel(["slow " * 20], delay_s=0.02))
    box.start("first")
    wait_until(lambda: "slow" in box.transcript.value)
    assert box.ask("second") is None
    assert "wait for it, or press Stop" in box.status.value
    box.thread.join(10)
    assert [turn["content"] for turn in box.conversation.turns] == ["first", "slow " * 20]


def test_ask_stops_an_answer_that_takes_too_long():
    box = ChatBox(FakeModel(["slow " * 100], delay_s=0.1))
    answer = box.ask("talk", timeout_s=2)
    assert answer and len(answer) < 100
    assert "Stopped." in box.status.value


def test_clear_during_an_answer_lets_nothing_of_it_come_back():
    box = ChatBox(FakeModel(["old " * 40, "fresh"], delay_s=0.005))
    box.start("first")
    wait_until(lambda: "old" in box.transcript.value)
    old = box.thread
    box.clear.click()
    assert (box.send.disabled, box.stop.disabled) == (False, True)
    shown = []
    box.transcript.observe(lambda change: shown.append(change["new"]), names="value")
    old.join(10)
    assert shown == []
    assert "Stopped" not in box.status.value
    assert box.ask("next") == "fresh"
    assert "old" not in box.transcript.value
    assert [turn["content"] for turn in box.conversation.turns] == ["next", "fresh"]


def test_clear_and_stop_work_while_a_model_is_loading(fake_model, monkeypatch):
    go_on = threading.Event()
    monkeypatch.setattr(chat_module, "load_model", lambda name: go_on.wait(10) and fake_model)
    box = ChatBox("fake")
    box.start("first")
    wait_until(lambda: "Loading fake" in box.status.value)
    old = box.thread
    box.clear.click()
    box.input.value = "second"
    box.send.click()
    box.stop.click()
    go_on.set()
    old.join(10)
    box.thread.join(10)
    assert "Stopped before the answer began" in box.status.value
    assert (box.input.value, box.conversation.turns) == ("second", [])
    assert fake_model.calls == []


def test_a_model_that_breaks_in_mid_answer_leaves_the_text_in_the_box():
    class Breaking(FakeModel):
        def _generate_chat(self, messages, settings, on_token):
            on_token("half an ans")
            raise KeyError("layer")

    box = ChatBox(Breaking())
    box.input.value = "hello"
    box.send.click()
    box.thread.join(10)
    assert "KeyError" in box.status.value
    assert (box.input.value, box.conversation.turns) == ("hello", [])
    assert "half" not in box.transcript.value


def test_two_boxes_on_one_model_do_not_mix_their_answers():
    class Echo(FakeModel):
        def _generate_chat(self, messages, settings, on_token):
            for character in messages[-1]["content"]:
                time.sleep(0.002)
                on_token(character)

    model = Echo()
    boxes = {letter: ChatBox(model) for letter in "ab"}
    for letter, box in boxes.items():
        box.start(letter * 40)
    for letter, box in boxes.items():
        box.thread.join(10)
        assert [turn["content"] for turn in box.conversation.turns] == [letter * 40] * 2
        assert to_text(box.transcript.value).count(letter * 40) == 2


def test_a_hundred_thousand_characters_in_either_direction():
    class Talkative(FakeModel):
        def _generate_chat(self, messages, settings, on_token):
            for _ in range(1000):
                on_token("x" * 100)

    box = ChatBox(Talkative(max_context_tokens=300_000), max_new_tokens=100_000)
    assert box.ask("y" * 100_000) == "x" * 100_000
    assert "x" * 100_000 in box.static_html()
    assert "y" * 100_000 in box.static_html()


def test_the_menu_has_buttons_and_hides_when_there_is_no_choice(fake_model):
    assert ChatBox(fake_model, models=["fake"]).menu.layout.display == "none"
    box = ChatBox(fake_model, models=["other"])
    assert box.menu.options == ("fake", "other")
    assert box.menu.layout.display is None


def test_the_menu_has_the_chat_model_and_the_miniature_unless_others_are_named(fake_model):
    assert ChatBox("tiny-chat").menu.options == ("tiny-chat", "smollm2-135m-instruct")
    assert ChatBox().menu.options == ("smollm2-135m-instruct", "tiny-chat")
    assert ChatBox(fake_model).menu.options == ("fake", "smollm2-135m-instruct", "tiny-chat")


def test_one_click_in_the_menu_switches_to_the_miniature(fake_model, miniatures):
    box = ChatBox(fake_model)
    box.ask("one")
    box.menu.value = "tiny-chat"
    assert box.ask("two") is not None
    assert box.loaded.models["tiny-chat"].backend == "miniature"


def test_a_message_is_sent_to_the_kernel_as_a_whole(fake_model):
    assert ChatBox(fake_model).input.continuous_update is False, "Send could overtake the last letters"


def test_what_is_typed_during_an_answer_is_kept():
    box = ChatBox(FakeModel(["slow " * 10], delay_s=0.005))
    box.input.value = "first"
    box.send.click()
    box.input.value = "second, still being written"
    box.thread.join(10)
    assert box.input.value == "second, still being written"


def test_markers_in_an_answer_do_not_block_the_next_question():
    box = ChatBox(FakeModel(["fine<|im_end|>"]))
    assert box.ask("one") == "fine"
    assert box.ask("two") == "fine"
