"""The rooms of the library: imports go downward only, and importing it does nothing."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import llama_course

PACKAGE = Path(llama_course.__file__).parent
FLOORS = (  # from the ground up: a room imports from its own and from those below
    {"paths", "files", "hardware", "repository", "hand_out"},
    {"llamaland"},
    {"models"},
    {"training"},
    {"evaluation"},
    {"safety"},
    {"policy"},
    {"release"},
    {"learning"},
    {"plots"},
    {"widgets"},
    {"cli", "start_lesson", "__init__", "__main__"},
)
LAZY = {
    "torch",
    "transformers",
    "matplotlib",
    "ipywidgets",
    "xllamacpp",
    "huggingface_hub",
    "gguf",
    "safetensors",
    "tokenizers",
}
MODULES = sorted(PACKAGE.rglob("*.py"))


def floor_of(room: str) -> int:
    (floor,) = [number for number, rooms in enumerate(FLOORS) if room in rooms]
    return floor


def room_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def rooms_imported(tree: ast.AST) -> set[str]:
    """Rooms of the package that a module imports anywhere, its functions included."""
    rooms = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written out in full"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        parts = [name.split(".") for name in names]
        rooms |= {part[1] if len(part) > 1 else "__init__" for part in parts if part[0] == "llama_course"}
    return {room for room in rooms if (PACKAGE / room).is_dir() or (PACKAGE / f"{room}.py").is_file()}


def packages_imported_at_once(tree: ast.Module) -> set[str]:
    """Packages that are imported as soon as the module is, so not inside a function."""
    found, waiting = set(), list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module.split(".")[0])
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)
    return found


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_go_downward_only(path):
    for room in rooms_imported(parse(path)):
        assert floor_of(room) <= floor_of(room_of(path)), f"{room_of(path)} imports from {room}, which is above it"


def allowed_at_once(path: Path) -> set[str]:
    """Widgets are made of ipywidgets; training, its scores and the readable Llama are torch from the first line."""
    if room_of(path) == "widgets":
        return {"ipywidgets"}
    made_of_torch = room_of(path) == "training" or path.name in (
        "llama.py",
        "llama_files.py",
        "quantization.py",
        "fast_linear.py",
        "family_scores.py",
    )
    return {"torch", "safetensors"} if made_of_torch else set()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_heavy_packages_are_imported_where_they_are_used(path):
    assert packages_imported_at_once(parse(path)) & (LAZY - allowed_at_once(path)) == set()


def test_modules_stay_readable_in_one_sitting():
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_the_walk_sees_imports_in_functions_and_in_blocks():
    tree = ast.parse(
        "import llama_course.models.fetch\n"
        "try:\n    import torch\nexcept ImportError:\n    pass\n"
        "def f():\n    from llama_course import widgets, load_model\n    import matplotlib\n"
    )
    assert rooms_imported(tree) == {"models", "widgets"}
    assert packages_imported_at_once(tree) == {"llama_course", "torch"}


WATCHED_IMPORT = """
import json, os, sys
before, environment = set(sys.modules), dict(os.environ)
events = []
def watch(event, arguments):
    if event == "open" and not str(arguments[0]).endswith((".py", ".pyc", ".so", ".pyd")) or event.startswith((
        "socket.", "subprocess.", "os.mkdir", "os.putenv", "os.rename", "os.remove", "shutil.", "tempfile.")):
        events.append([event, str(arguments[:1])])
sys.addaudithook(watch)
import llama_course
loaded = sorted({name.split(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names))
same = dict(os.environ) == environment
print(json.dumps({"loaded": loaded, "events": events, "environment_unchanged": same}))
"""


def run_python(code: str) -> str:
    return subprocess.check_output([sys.executable, "-c", code], text=True, encoding="utf-8")


def test_importing_the_package_does_nothing():
    seen = json.loads(run_python(WATCHED_IMPORT))
    assert seen == {"loaded": ["llama_course"], "events": [], "environment_unchanged": True}


def test_the_whole_library_without_widgets_imports_nothing_heavy():
    names = [
        ".".join(["llama_course", *path.relative_to(PACKAGE).with_suffix("").parts])
        for path in MODULES
        if not allowed_at_once(path) and path.name not in ("__main__.py", "__init__.py")
    ]
    code = f"import importlib, sys\nfor name in {names}: importlib.import_module(name)\nprint(*sys.modules)"
    assert {name.split(".")[0] for name in run_python(code).split()} & LAZY == set()


def test_the_public_names_are_found_in_their_rooms():
    assert set(llama_course.__all__) >= {"begin", "check", "hint", "load_model", "quiz"}
    for name in llama_course.__all__:
        assert getattr(llama_course, name).__name__ == name
        assert name in dir(llama_course)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'lama'"):
        llama_course.lama  # noqa: B018
