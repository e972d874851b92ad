"""Makes the reference pages from the code: docs/settings.md, docs/configuration.md and docs/reasons.md.

    python -m scripts.reference           writes them
    python -m scripts.reference --check   tells which are out of date; exit code 1

A test compares them, so that what the code says and what the pages say stay one.
"""

import ast
import json
import sys
import types
import typing
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from percorso.config.schema import Configuration, Duration
from percorso.core.delivery.cause import Cause
from percorso.core.delivery.sentences import failure_reply
from percorso.core.delivery.wording.english import ENGLISH
from percorso.core.delivery.wording.italian import ITALIAN
from percorso.core.policy.decision import Reason
from percorso.core.settings.schema import Document
from percorso.core.tls.result import FailureType, SecureTransportFailure

ROOT: Final = Path(__file__).parent.parent
HOUSE: Final = ROOT / "src" / "percorso"
MADE: Final = "<!-- Made by `make docs` from the code: change the texts there. -->"

_PLAIN: Final = {str: "text", int: "whole number", float: "number", bool: "true or false", Path: "path"}
_COMPUTED: Final = {"node.name": "the machine's name", "listener.networks": "see there"}
"""Defaults that are worked out when the node starts."""

_SETTINGS: Final = """\
# Settings

What the organization decides, in one TOML document: `percorso settings export` writes it, `check`, `plan` and `apply`
take it. A document is whole: what it leaves out is not set. An unknown key is an error. Spans of time are written
`"30m"`, `"24h"` or `"5d"`. `[table]` stands once, `[[table]]` for each one. Every change is audited, and takes effect
on running nodes at once.
"""
_CONFIGURATION: Final = """\
# Configuration

`percorso.toml` holds what differs between machines. It is sought as `./percorso.toml`, then
`/etc/percorso/percorso.toml`, or named with `--config FILE`. Relative paths are relative to the file. Without a file
the defaults below make a node that listens on this machine alone.

A variable `PERCORSO_SECTION__KEY` in the environment replaces one key, as in `PERCORSO_NODE__NAME=mail1.corp.test`; a
list or table is written as JSON there. An unknown key is an error. Spans of time are written `"30s"`, `"5m"`, `"24h"`
or `"5d"`.
"""
_REASONS: Final = """\
# Reasons, failures and replies

Every code that decisions, evidence, notices and replies bear. Codes are stable; `percorso explain`, `log search` and
`queue list` show and take them.
"""


def pages() -> dict[Path, str]:
    """Every page with its text."""
    return {
        ROOT / "docs/settings.md": _page(_SETTINGS, _model(Document, "")),
        ROOT / "docs/configuration.md": _page(_CONFIGURATION, _model(Configuration, "")),
        ROOT / "docs/reasons.md": _page(_REASONS, [*_reasons(), *_failures(), *_causes(), *_replies()]),
    }


def _page(head: str, body: Iterable[str]) -> str:
    return "\n".join([MADE, "", head, *body]).rstrip() + "\n"


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    names = list(columns)
    yield f"| {' | '.join(names)} |"
    yield f"|{' --- |' * len(names)}"
    for row in rows:
        yield f"| {' | '.join(_escaped(cell) for cell in row)} |"
    yield ""


def _escaped(cell: str) -> str:
    return cell.replace("<", "&lt;").replace("|", "&#124;")


# Settings and configuration: tables of keys


def _model(model: type[BaseModel], path: str) -> Iterator[str]:
    """A section for the model's own keys, then one for each table below it."""
    below = {name: table for name, field in model.model_fields.items() if (table := _table_of(field.annotation))}
    if path:
        rows = [_row(f"{path}.{name}", name, field) for name, field in model.model_fields.items()]
        yield from _table(("key", "value", "default", "meaning"), rows)
    for name, table in below.items():
        field = model.model_fields[name]
        full = f"{path}.{name}" if path else name
        many = typing.get_origin(field.annotation) is tuple
        yield f"## {f'`[[{full}]]`' if many else f'`[{full}]`'}" if not path else f"### `{full}`"
        yield ""
        yield field.description or ""
        yield ""
        yield from _model(table, full)


def _row(path: str, name: str, field: FieldInfo) -> tuple[str, str, str, str]:
    return f"`{name}`", _type(field), _default(path, field), field.description or ""


def _table_of(annotation: Any) -> type[BaseModel] | None:
    """The table that the annotation is, or is a list of."""
    for part in (annotation, *typing.get_args(annotation)):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
    return None


def _type(field: FieldInfo) -> str:
    if any(getattr(one, "func", None) is _duration_reader() for one in field.metadata):
        return "span of time"
    return _words(field.annotation)


def _duration_reader() -> Any:
    return typing.get_args(Duration)[1].func


def _words(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _words(arguments[0])
    if origin is typing.Literal:
        return " or ".join(f"`{json.dumps(value)}`" for value in arguments if value != "")
    if origin in {typing.Union, types.UnionType}:
        return " or ".join(_words(one) for one in arguments if one is not type(None))
    if origin is tuple:
        return f"list of {_words(arguments[0])}s" if not _table_of(annotation) else "list of tables, see below"
    if origin is dict:
        return "table of names and texts"
    if _table_of(annotation):
        return "table, see below"
    return _PLAIN.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _default(path: str, field: FieldInfo) -> str:
    if path in _COMPUTED:
        return _COMPUTED[path]
    if field.default is PydanticUndefined and field.default_factory is None:
        return "must be given"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value in ("", (), {}) or isinstance(value, BaseModel):
        return ""
    if isinstance(value, Path):
        value = str(value)
    return f"`{_toml(value, span=_type(field) == 'span of time')}`"


def _toml(value: Any, *, span: bool) -> str:
    if not span:
        return json.dumps(value)
    seconds = int(value)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds and seconds % size == 0:
            return f'"{seconds // size}{unit}"'
    return f'"{seconds}s"'


# Reasons, failures and causes


def _reasons() -> Iterator[str]:
    yield "## Reasons of a decision"
    yield ""
    yield from _table(("reason", "meaning"), ((f"`{one}`", _told(one)) for one in Reason))


def _told(member: Reason) -> str:
    """The text below an enumeration's member in its source, which Python itself forgets."""
    tree = ast.parse((HOUSE / "core/policy/decision.py").read_text(encoding="utf-8"))
    enumeration = next(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == "Reason")
    for statement, text in zip(enumeration.body, enumeration.body[1:], strict=False):
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        if isinstance(target, ast.Name) and target.id == member.name and isinstance(text, ast.Expr):
            return str(ast.literal_eval(text.value))
    raise ValueError(f"Reason.{member.name} has no text below it")


def _failures() -> Iterator[str]:
    yield "## Secure-transport failures"
    yield ""
    yield "Nothing is sent over a connection that failed so. While a message waits its recipients have the 4.x.x code;"
    yield "once the time is up, the notice to the sender has the 5.x.x one. The sentences are those of the notices."
    yield ""
    for failure in FailureType:
        code = failure_reply(SecureTransportFailure(type=failure), "mx.bank.test").enhanced.partition(".")[2]
        yield from _explained(failure, f"`4.{code}`, `5.{code}`")


def _causes() -> Iterator[str]:
    yield "## Other causes of a notice"
    yield ""
    for cause in Cause:
        yield from _explained(cause, "")


def _explained(code: FailureType | Cause, enhanced: str) -> Iterator[str]:
    english, italian = ENGLISH.explanations[code], ITALIAN.explanations[code]
    rows = [
        ("in English", english.cause),
        ("in Italian", italian.cause),
        ("the sender can", english.sender or ENGLISH.wait),
        ("the administrator can", english.administrator),
    ]
    yield f"### `{code}`"
    yield ""
    yield from _table(("", enhanced), [row for row in rows if row[1]])


# Replies: read from the source, so that none is forgotten


def _replies() -> Iterator[str]:
    answers = [*_files("reception", "core/smtp"), HOUSE / "core/mail/reply.py"]
    ours = [HOUSE / "core/smtp/transaction.py", *_files("delivery", "lookups", "core/delivery", "core/policy")]
    yield from _replies_of("What clients are answered", [file for file in answers if file not in ours])
    yield from _replies_of("What stands for a server's answer where there is none", ours)


def _files(*rooms: str) -> list[Path]:
    return [file for room in rooms for file in sorted((HOUSE / room).glob("*.py"))]


def _replies_of(title: str, files: list[Path]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield "`…` stands for what depends on the message."
    yield ""
    found = sorted({reply for file in files for reply in _written(file) if "…" not in reply[1]})
    rows = ((f"`{code}`", f"`{enhanced}`" if enhanced else "", text) for code, enhanced, text in found)
    yield from _table(("code", "enhanced", "text"), rows)


def _written(file: Path) -> Iterator[tuple[str, str, str]]:
    """The replies that a file makes with a code of its own."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    texts = {
        node.lineno: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and [_name(target) for target in node.targets] == ["text"]
    }
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or _name(call.func) not in {"Reply", "reply"}:
            continue
        given = dict(zip(("code", "enhanced", "text"), call.args, strict=False))
        given |= {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
        code, text = given.get("code"), given.get("text")
        if isinstance(text, ast.Name) and text.id == "text":
            text = next((texts[line] for line in range(call.lineno, call.lineno - 6, -1) if line in texts), text)
        if isinstance(code, ast.Constant) and text:
            yield str(code.value), _text(given.get("enhanced")), _text(text)


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _text(node: ast.expr | None) -> str:
    if node is None:
        return ""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return "…"


def main(arguments: list[str]) -> int:
    """Write the pages, or check them."""
    stale = [page for page, text in pages().items() if not page.exists() or page.read_text(encoding="utf-8") != text]
    for page in stale:
        if "--check" in arguments:
            print(f"{page.relative_to(ROOT)} is out of date: run `make docs`", file=sys.stderr)
        else:
            page.write_text(pages()[page], encoding="utf-8")
            print(f"wrote {page.relative_to(ROOT)}")
    return int("--check" in arguments and bool(stale))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
