"""What happens to a kernel in a classroom: restarted in the middle of an answer, two notebooks at once, interrupted."""

import contextlib
import time

import pytest
from jupyter_client.manager import start_new_kernel

LOAD = "from llama_course import load_model; model = load_model('smollm2-135m-instruct')"
ANSWER = "print('ANSWER:', model.chat('Hello!', max_new_tokens=8, temperature=0))"
LONG = """
while True:  # a single answer may be one sentence: "I'm afraid I'm unable to provide that."
    model.stream('Tell me a very long story.', lambda piece: print(piece, end='', flush=True), max_new_tokens=1500)
"""


@contextlib.contextmanager
def kernel():
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def run(client, code, timeout_s=60):
    """Printed text of a cell; an error of the cell fails the test."""
    message = client.execute(code)
    printed = []
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        got = client.get_iopub_msg(timeout=timeout_s)
        if got["parent_header"].get("msg_id") != message:
            continue
        if got["msg_type"] == "stream":
            printed.append(got["content"]["text"])
        if got["msg_type"] == "error":
            pytest.fail("\n".join(got["content"]["traceback"]))
        if got["msg_type"] == "status" and got["content"]["execution_state"] == "idle":
            return "".join(printed)
    raise TimeoutError(code)


def wait_for_text(client, timeout_s=60):
    while client.get_iopub_msg(timeout=timeout_s)["msg_type"] != "stream":
        pass


@pytest.mark.slow
def test_a_kernel_restarted_in_the_middle_of_an_answer_starts_afresh():
    with kernel() as (manager, client):
        run(client, LOAD)
        client.execute(LONG)
        wait_for_text(client)
        manager.restart_kernel(now=True)
        client.wait_for_ready(timeout=60)
        assert "ANSWER: " in run(client, f"{LOAD}\n{ANSWER}")


@pytest.mark.slow
def test_an_interrupted_answer_leaves_the_model_usable():
    with kernel() as (manager, client):
        run(client, LOAD)
        asked = client.execute(LONG, stop_on_error=False)  # or what is asked at once afterwards may be dropped
        wait_for_text(client)
        manager.interrupt_kernel()
        reply = client.get_shell_msg(timeout=60)
        while reply["parent_header"].get("msg_id") != asked:
            reply = client.get_shell_msg(timeout=60)
        assert reply["content"]["ename"] == "KeyboardInterrupt"
        assert "ANSWER: " in run(client, ANSWER)


@pytest.mark.slow
def test_two_notebooks_at_once_get_the_same_answers_as_one():
    with kernel() as (_, first), kernel() as (_, second):
        run(first, LOAD)
        run(second, LOAD)
        alone = run(first, ANSWER)
        second.execute(LONG)
        wait_for_text(second)
        assert run(first, ANSWER) == alone
