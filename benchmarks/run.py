"""Measure what the README says about speed and memory.

    python benchmarks/run.py                 # all but the fresh set-ups, about 3 minutes
    python benchmarks/run.py --setup         # the fresh set-ups too: each installs everything again in a new folder
    python benchmarks/run.py --write         # and put the results into benchmarks/results.json and README.md

Every figure is the median of several runs on a computer that should do nothing else; a comparison runs both sides by
turns in the same process.
"""

import argparse
import datetime
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results.json"
START, END = "<!-- figures: written by benchmarks/run.py -->", "<!-- end of figures -->"
PROMPT, NEW_TOKENS = "Tell me a long story about a llama.", 96
CHANGES = 11  # of each explorer
FIRST_TOKEN = """
from llama_course import load_model
load_model("smollm2-135m-instruct").stream("Hello!", lambda piece: print(piece, flush=True), max_new_tokens=4)
"""


def main() -> None:
    """Measure, print, and with --write keep the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--setup", action="store_true", help="measure fresh set-ups as well")
    parser.add_argument("--write", action="store_true", help="update benchmarks/results.json and the README")
    options = parser.parse_args()
    measures = [first_token, streaming, kernel_memory, explorers, second_start]
    measures += [fresh_setup] if options.setup else []
    results = json.loads(RESULTS.read_text(encoding="utf-8"))["results"] if RESULTS.exists() else {}
    for measure in measures:
        results[measure.__name__] = result = measure()
        print(row(result), flush=True)
    if options.write:
        data = {"machine": machine(), "date": datetime.date.today().isoformat(), "results": results}
        RESULTS.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
        write_readme(data)


def measured(what: str, unit: str, values: list[float], target: str, how: str) -> dict:
    """One result: the median with all its runs."""
    return {
        "what": what,
        "unit": unit,
        "median": round(statistics.median(values), 2),
        "runs": [round(value, 2) for value in values],
        "target": target,
        "how": how,
    }


def repeat(times: int, run: Callable[[], float]) -> list[float]:
    """The results of several runs."""
    return [run() for _ in range(times)]


# -- the measures ------------------------------------------------------------------------------------------------------


def first_token() -> dict:
    """From asking for a kernel to the first piece of text of the real model."""
    return measured(
        "Cold kernel to the first streamed token of the real model",
        "s",
        repeat(5, time_to_first_token),
        "under 5 s",
        "new Jupyter kernel, import, load, stream",
    )


def time_to_first_token() -> float:
    from jupyter_client.manager import start_new_kernel

    began = time.perf_counter()
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        client.execute(FIRST_TOKEN)
        while True:
            message = client.get_iopub_msg(timeout=120)
            if message["msg_type"] == "error":
                raise RuntimeError("\n".join(message["content"]["traceback"]))
            if message["msg_type"] == "stream":
                return time.perf_counter() - began
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def streaming() -> dict:
    """Tokens per second of the default backend, as a multiple of transformers' generate on the same weights."""
    import torch

    from llama_course import hardware, load_model

    fast = load_model("smollm2-135m-instruct")
    slow = load_model("smollm2-135m-instruct", backend="transformers")
    engines = {
        "llama.cpp": lambda: streamed_per_second(fast),
        "transformers": lambda: generated_per_second(slow, hardware.cpu_cores()),
        "transformers on one thread": lambda: generated_per_second(slow, 1),
    }
    speeds = {name: [] for name in engines}
    for _ in range(5):
        for name, engine in engines.items():
            speeds[name].append(engine())
    result = measured(
        "Steady streaming against transformers' generate, same weights",
        "times as fast",
        [a / b for a, b in zip(speeds["llama.cpp"], speeds["transformers"], strict=True)],
        "at least 4 times",
        f"{NEW_TOKENS} tokens, greedy, by turns; llama.cpp on all cores but one, torch on all "
        f"({torch.get_num_threads()})",
    )
    return result | {"tokens_per_second": {name: round(statistics.median(found), 1) for name, found in speeds.items()}}


def streamed_per_second(model) -> float:
    times: list[float] = []
    settings = {"max_new_tokens": NEW_TOKENS, "temperature": 0}
    model.stream(PROMPT, lambda piece: times.append(time.perf_counter()), **settings)
    return (len(times) - 1) / (times[-1] - times[0])


def generated_per_second(model, threads: int) -> float:
    import torch

    usual = torch.get_num_threads()
    torch.set_num_threads(threads)
    token_ids = torch.tensor([model._chat_ids([{"role": "user", "content": PROMPT}])])
    began = time.perf_counter()
    with torch.no_grad():
        mask = torch.ones_like(token_ids)
        out = model.model.generate(token_ids, attention_mask=mask, max_new_tokens=NEW_TOKENS, do_sample=False)
    torch.set_num_threads(usual)
    return (out.shape[1] - token_ids.shape[1]) / (time.perf_counter() - began)


def kernel_memory() -> dict:
    """Resident memory of the kernel after every cell of lesson 02."""
    return measured(
        "Memory of the kernel after lesson 02",
        "MB",
        repeat(3, memory_after_lesson_02),
        "under 700 MB",
        "resident set of the kernel process at the end",
    )


def memory_after_lesson_02() -> float:
    import nbformat
    import psutil
    from nbclient import NotebookClient

    path = next((ROOT / "course").glob("02_*.ipynb"))
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}})
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "LLAMA_COURSE_PROGRESS": str(Path(folder) / "progress.json")}
        with client.setup_kernel(env=environment):
            for index, cell in enumerate(notebook.cells):
                client.execute_cell(cell, index)
            return psutil.Process(client.km.provisioner.pid).memory_info().rss / 1e6


def explorers() -> dict:
    """The explorer that takes longest to answer a keystroke or a move of a slider."""
    return measured(
        "Slowest explorer's answer to a keystroke or a slider",
        "ms",
        repeat(5, lambda: 1000 * max(answer_times_s().values())),
        "under 100 ms",
        f"each the median of {CHANGES} changes, in Python: without sending and drawing",
    )


def answer_times_s() -> dict[str, float]:
    """Name of an explorer to the median time in which it answers one of its controls."""
    from llama_course import load_model
    from llama_course.release.measuring import recorded
    from llama_course.widgets.claims import ClaimExplorer
    from llama_course.widgets.clause_explorer import ClauseExplorer
    from llama_course.widgets.release_desk import ReleaseDesk
    from llama_course.widgets.release_sliders import ReleaseSliders
    from llama_course.widgets.sizing import MemoryCalculator
    from llama_course.widgets.timeline import TimelineView
    from llama_course.widgets.tokenizer_view import TokenizerView

    clauses, claims, events = ClauseExplorer(licence=None), ClaimExplorer(), TimelineView()
    desk, sliders = ReleaseDesk(recorded("tiny-chat")), ReleaseSliders()
    tokens, memory = TokenizerView(load_model("tiny-chat"), "Hello"), MemoryCalculator()
    letters = "etaoinshrdl"[:CHANGES]  # the first of a word finds most, and takes longest
    sentences = ["It never tells, it is safe and 98 % right. " * end for end in range(1, CHANGES + 1)]
    return {
        "clauses": median_time_s(clauses.search, letters),
        "claims": median_time_s(claims.search, letters),
        "events": median_time_s(events.search, letters),
        "release desk": median_time_s(desk.sentence, sentences),
        "release sliders": median_time_s(sliders.price, [1 + step / 4 for step in range(CHANGES)]),
        "tokens": median_time_s(tokens.input, sentences),
        "memory": median_time_s(memory.settings["users"], range(2, CHANGES + 2)),
    }


def median_time_s(control, values) -> float:
    """Seconds until a control that was set to one value after the other has been answered."""
    times = []
    for value in values:
        began = time.perf_counter()
        control.value = value
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def second_start() -> dict:
    """From the command to a page that JupyterLab serves, when everything is set up already."""
    time_to_page(ROOT, dict(os.environ))  # sets up what is missing
    return measured(
        "Second `start.py lab` to a ready page",
        "s",
        repeat(5, lambda: time_to_page(ROOT, dict(os.environ))),
        "under 8 s",
        "until 127.0.0.1 serves JupyterLab's page",
    )


def time_to_page(folder: Path, environment: dict[str, str]) -> float:
    """Seconds from ``start.py lab`` in ``folder`` until its page is served."""
    port = free_port()
    began = time.perf_counter()
    command = [shutil.which("python3") or sys.executable, "start.py", "lab", "--no-browser", "--port", str(port)]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, cwd=folder, env=environment, **quiet)
    try:
        while not serves(f"http://127.0.0.1:{port}/lab"):
            if process.poll() is not None or time.perf_counter() - began > 1200:
                raise RuntimeError("JupyterLab did not come up.")
            time.sleep(0.05)
        return time.perf_counter() - began
    finally:
        process.terminate()
        process.wait(timeout=30)


def serves(address: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=5):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500  # asking for the token: the page is there
    except OSError:
        return False


def fresh_setup() -> dict:
    """A fresh clone in a new folder, with nothing installed and no model."""
    return measured(
        "Fresh set-up to a ready page, downloads included",
        "s",
        repeat(3, time_to_set_up),
        "under 180 s",
        "`start.py lab` in a new clone, package index nearby",
    )


def time_to_set_up() -> float:
    folder = Path(tempfile.mkdtemp(prefix="llama course "))
    try:
        subprocess.run(["git", "clone", "-q", str(ROOT), str(folder / "clone")], check=True)
        return time_to_page(folder / "clone", {**os.environ, "LLAMA_COURSE_HOME": str(folder / "home")})
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


# -- the report ------------------------------------------------------------------------------------------------------


def machine() -> str:
    """Processor, cores, memory, system."""
    from llama_course import hardware

    info = Path("/proc/cpuinfo")
    names = (
        [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        if info.exists()
        else []
    )
    memory = hardware.memory_gib()
    size = f", {memory[0]:.0f} GiB" if memory else ""
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name}, {hardware.cpu_cores()} cores{size}, {platform.system()}, Python {platform.python_version()}"


def row(result: dict) -> str:
    """One line of the table."""
    speeds = "".join(f", {name} {speed:g} tokens/s" for name, speed in result.get("tokens_per_second", {}).items())
    runs = f"{len(result['runs'])} runs, {min(result['runs']):g} to {max(result['runs']):g}"
    return f"| {result['what']} | {result['median']:g} {result['unit']} | {runs}{speeds} | {result['how']} |"


def write_readme(data: dict) -> None:
    """Replace the table between the two marks of README.md."""
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(START)
    after = rest.split(END)[1]
    readme.write_text(f"{before}{figures(data)}{after}", encoding="utf-8")


def figures(data: dict) -> str:
    """The figures as they stand in the README, marks included."""
    table = "\n".join(row(result) for result in data["results"].values())
    head = "| what | median | runs | how |\n|---|---|---|---|"
    return f"{START}\n{head}\n{table}\n\nMeasured on {data['date']}: {data['machine']}.\n{END}"


if __name__ == "__main__":
    main()
