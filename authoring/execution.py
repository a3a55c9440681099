"""Running a notebook, and cleaning its outputs of what must not be committed."""

import os
import re
import sys
import tempfile
import textwrap
from pathlib import Path

import nbformat

from authoring.masters import METADATA, BuildError, Target, tags

ROOT = Path(__file__).resolve().parent.parent
CELL_TIMEOUT_S = 300
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
# Lines on stderr that say nothing about the lesson.  Anything else there stays, and the linter refuses it.
HARMLESS_STDERR = (r"Kernel is running over TCP without encryption", r"Matplotlib is building the font cache")


def run(notebook: nbformat.NotebookNode, target: Target) -> None:
    """Execute a notebook in its own folder, then clean its outputs."""
    target.path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        progress = Path(folder) / "progress.json"
        execute_cells(notebook, target.path.parent, {**execution_environment(), "LLAMA_COURSE_PROGRESS": str(progress)})
    notebook.metadata.pop("widgets", None)
    notebook.metadata.update(nbformat.from_dict(METADATA))
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type == "code":
            clean_cell(cell, f"cell {number}", target.root)


def execution_environment() -> dict[str, str]:
    """The environment of the kernels: offline, the same hashes every time, no colours, no progress bars."""
    fixed = {"HF_HUB_OFFLINE": "1", "PYTHONHASHSEED": "0", "NO_COLOR": "1", "TQDM_DISABLE": "1"}
    path = os.pathsep.join(p for p in (str(ROOT / "utils"), os.environ.get("PYTHONPATH")) if p)
    return {**os.environ, **fixed, "PYTHONPATH": path}


def execute_cells(
    notebook: nbformat.NotebookNode, folder: Path, environment: dict[str, str], *, allow_errors: bool = False
) -> None:
    """Run all cells in a fresh kernel of this Python; BuildError names the cell that failed and its error.

    With ``allow_errors`` a failed cell keeps its error as an output and the next cells run.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    client = NotebookClient(
        notebook,
        km=kernel_manager(),
        timeout=CELL_TIMEOUT_S,
        allow_errors=allow_errors,
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        client.execute(env=environment, cleanup_kc=True)  # else the kernel lives until this program ends
    except CellExecutionError as error:
        raise BuildError(describe_failure(notebook, f"{error.ename}: {error.evalue}")) from error
    except (CellTimeoutError, DeadKernelError) as error:
        raise BuildError(describe_failure(notebook, str(error))) from error
    finally:
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs = with_whole_streams(cell.outputs)


def with_whole_streams(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Outputs with what was printed in one piece, however many messages it came in: all of stdout, all of stderr.

    Done after the last cell.  nbclient would do it after each one, and then updates of a display go to a wrong place.
    """
    whole: dict[str, nbformat.NotebookNode] = {}
    kept = []
    for output in outputs:
        first = whole.setdefault(output.name, output) if output.output_type == "stream" else output
        if first is output:
            kept.append(output)
        else:
            first.text += output.text
    return kept


def kernel_manager():
    """A manager of kernels of the Python that runs this program, whatever kernels are installed beside it."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    return AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))


def describe_failure(notebook: nbformat.NotebookNode, error: str) -> str:
    """Where a notebook stopped and why, with the code of that cell."""
    number, cell = last_started(notebook)
    traceback = [line for o in cell.outputs if o.output_type == "error" for line in o.traceback]
    tail = "\n".join(without_ansi("\n".join(traceback)).splitlines()[-12:])
    return f"cell {number} failed: {error}\n{textwrap.indent(cell.source, '  | ')}\n{tail}".rstrip()


def last_started(notebook: nbformat.NotebookNode) -> tuple[int, nbformat.NotebookNode]:
    code = [(number, cell) for number, cell in enumerate(notebook.cells, 1) if cell.cell_type == "code"]
    started = [pair for pair in code if pair[1].outputs or pair[1].execution_count is not None]
    failed = [pair for pair in code if any(output.output_type == "error" for output in pair[1].outputs)]
    return (failed or started or code)[-1]


def clean_cell(cell: nbformat.NotebookNode, where: str, root: Path) -> None:
    """Strip what must not be committed from a cell's outputs; BuildError for what cannot be stripped."""
    cell.metadata.pop("execution", None)
    may_raise = "raises-exception" in tags(cell)
    cleaned = [clean_output(output, where, may_raise) for output in cell.outputs]
    cell.outputs = [output for output in cleaned if output is not None]
    for output in cell.outputs:
        refuse_machine_paths(output, where, root)


def clean_output(output: nbformat.NotebookNode, where: str, may_raise: bool) -> nbformat.NotebookNode | None:
    """One output without widget views, colours and harmless warnings; None if nothing is left."""
    if output.output_type == "stream":
        output.text = clean_stream(output.text, output.name)
        return output if output.text else None
    if output.output_type == "error":  # of a cell that is meant to raise: the last line says it all
        output.traceback = [without_ansi(f"{output.ename}: {output.evalue}")] if may_raise else output.traceback
        return output
    if output.data.pop(WIDGET_VIEW, None) is not None and "text/html" not in output.data:
        raise BuildError(f"{where} shows a widget without a static twin. Show it through a LiveView.")
    for kind in ("text/plain", "text/markdown"):
        if kind in output.data:
            output.data[kind] = without_ansi(output.data[kind])
    return output


def clean_stream(text: str, name: str) -> str:
    lines = without_ansi(text).splitlines(keepends=True)
    if name == "stderr":
        lines = [line for line in lines if not any(re.search(harmless, line) for harmless in HARMLESS_STDERR)]
    return "".join(lines)


def without_ansi(text: str) -> str:
    """Text without the terminal's colour and cursor commands."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def refuse_machine_paths(output: nbformat.NotebookNode, where: str, root: Path) -> None:
    """BuildError if an output names a folder of this machine, which is nobody else's."""
    text = text_of(output)
    for folder in machine_folders(root):
        if folder in text:
            around = text[max(0, text.index(folder) - 60) : text.index(folder) + len(folder) + 60].strip()
            raise BuildError(
                f"{where} shows a path of this machine: …{around}… Print the file's name or a relative path."
            )


def text_of(output: nbformat.NotebookNode) -> str:
    """All the text of an output; pictures written in base64 are left out, for they may spell anything."""
    parts = [output.get("text", ""), output.get("evalue", ""), *output.get("traceback", [])]
    parts += [str(value) for kind, value in output.get("data", {}).items() if not kind.startswith("image/")]
    return re.sub(r"base64,[A-Za-z0-9+/=]+", "base64,", "\n".join(parts))


def machine_folders(root: Path) -> list[str]:
    """Folders that no output may name."""
    folders = [str(root), str(Path.home()), tempfile.gettempdir()]
    folders += [sys.prefix] if sys.prefix != sys.base_prefix else []
    return [folder + os.sep for folder in folders if len(folder) > 3]
