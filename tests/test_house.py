"""The rules of the house hold: who imports whom, door signs, and sizes that a reader can take in."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HOUSE = ROOT / "src" / "percorso"
SOURCES = sorted(HOUSE.rglob("*.py"))
PACKAGES = sorted({path.parent for path in SOURCES})

MAX_FUNCTION_LINES = 40
MAX_FILE_LINES = 400
MAX_PARAMETERS = 6
VAGUE_NAMES = {"manager", "managers", "helper", "helpers", "util", "utils", "misc", "common"}

IMPURE_CALLS = {"now", "utcnow", "today", "open", "print", "input", "uuid1", "uuid4"}

# What is longer or wider than the rule, and why that is the simplest form. "path" or "path:function" to the reason.
EXCEPTIONS: dict[str, str] = {
    "cli/account.py:add_": "each option of the verb is a parameter",
    "cli/explain.py:explain": "each option of the verb is a parameter",
    "cli/log.py:search": "each option of the verb is a parameter",
    "cli/queue.py:list_": "each option of the verb is a parameter",
    "cli/queue.py:act": "each option of the verb is a parameter",
    "cli/send.py:send": "each option of the verb is a parameter",
    "cli/settings.py:apply": "each option of the verb is a parameter",
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def functions(path: Path) -> Iterator[Function]:
    return (node for node in ast.walk(parse(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def has_docstring(function: Function) -> bool:
    return ast.get_docstring(function, clean=False) is not None


def body_lines(function: Function) -> int:
    """Lines from the first statement that is not the docstring to the last."""
    body = function.body[1:] if has_docstring(function) else function.body
    if not body or function.end_lineno is None:
        return 0
    return function.end_lineno - body[0].lineno + 1


def parameters(function: Function) -> int:
    arguments = function.args
    given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return len([argument for argument in given if argument.arg not in {"self", "cls"}])


def is_declaration(function: Function) -> bool:
    """Whether the body says nothing, as in a protocol or an overload."""
    body = function.body[1:] if has_docstring(function) else function.body
    return all(isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) for line in body)


def excess(path: Path) -> Iterator[tuple[str, str]]:
    """Everything in one file that is beyond the limits: its key in EXCEPTIONS, and what is wrong."""
    name = path.relative_to(HOUSE).as_posix()
    lines = len(path.read_text(encoding="utf-8").splitlines())
    if lines > MAX_FILE_LINES:
        yield name, f"{lines} lines, more than {MAX_FILE_LINES}"
    for function in functions(path):
        key = f"{name}:{function.name}"
        if body_lines(function) > MAX_FUNCTION_LINES:
            yield key, f"{body_lines(function)} lines, more than {MAX_FUNCTION_LINES}"
        if parameters(function) > MAX_PARAMETERS and not is_declaration(function):
            yield key, f"{parameters(function)} parameters, more than {MAX_PARAMETERS}"


def test_imports_point_down() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.relative_to(HOUSE).as_posix())
def test_every_room_has_a_door_sign(package: Path) -> None:
    sign = package / "__init__.py"
    assert sign.exists(), f"{package} has no __init__.py: say there what lives here and what it may import"
    text = ast.get_docstring(parse(sign)) or ""
    assert len(text.split()) >= 5, f"{sign} needs a docstring that says what lives here and what it may import"


def test_nothing_is_too_long_or_too_wide() -> None:
    found = dict(item for path in SOURCES for item in excess(path))
    unexpected = [f"{key}: {what}" for key, what in found.items() if key not in EXCEPTIONS]
    assert not unexpected, "split, or list in EXCEPTIONS with the reason:\n" + "\n".join(unexpected)
    stale = [key for key in EXCEPTIONS if key not in found]
    assert not stale, f"these exceptions are no longer needed: {stale}"


def test_no_room_has_a_vague_name() -> None:
    vague = [
        path
        for path in SOURCES
        if VAGUE_NAMES & {word for part in path.relative_to(HOUSE).with_suffix("").parts for word in part.split("_")}
    ]
    assert not vague, f"name these for what they do: {vague}"


def test_no_class_has_a_vague_name() -> None:
    vague = [
        f"{path.relative_to(HOUSE)}: {node.name}"
        for path in SOURCES
        for node in ast.walk(parse(path))
        if isinstance(node, ast.ClassDef) and node.name.endswith(("Manager", "Helper", "Utils", "Util"))
    ]
    assert not vague, f"name these for what they do: {vague}"


def impure_calls(path: Path) -> Iterator[str]:
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Call):
            function = node.func
            name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
            if name in IMPURE_CALLS:
                yield f"{path.name}:{node.lineno}: {name}"


def test_the_core_asks_neither_clock_nor_disk() -> None:
    """What no import shows: the time and files through what the core may import."""
    found = [call for path in sorted((HOUSE / "core").rglob("*.py")) for call in impure_calls(path)]
    assert not found, f"pass the value as an argument instead: {found}"


def test_the_rules_can_fail(tmp_path: Path) -> None:
    """The measures see what they are meant to see."""
    long = "def long() -> None:\n    '''Doc.'''\n" + "    x = 1\n" * (MAX_FUNCTION_LINES + 1)
    wide = "def wide(a, b, c, d, e, f, g):\n    return a\n"
    within = "def within(self, a, b, c, d, e, f):\n    '''Doc.'''\n" + "    x = 1\n" * MAX_FUNCTION_LINES
    source = tmp_path / "sample.py"
    source.write_text(long + wide + within, encoding="utf-8")
    measured = {function.name: (body_lines(function), parameters(function)) for function in functions(source)}
    source.write_text("from datetime import datetime\ndatetime.now()\nopen('x')\n", encoding="utf-8")
    assert list(impure_calls(source)) == ["sample.py:2: now", "sample.py:3: open"]
    assert measured == {"long": (41, 0), "wide": (1, 7), "within": (40, 6)}


def test_an_unplaced_room_fails() -> None:
    """The layers contract is exhaustive, so that a new room must be placed before it may be used."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (house,) = [contract for contract in contracts if contract["id"] == "house"]
    assert house["type"] == "layers"
    assert house["exhaustive"] is True
    assert "exhaustive_ignores" not in house
    placed = {room.strip(" ()") for layer in house["layers"] for room in layer.split("|")}
    rooms = {path.stem for path in HOUSE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert rooms - {"__init__"} <= placed
