"""From tables as they were read to a `Document`: unknown keys, missing ones, and values of a wrong kind."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import msgspec
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from percorso.core.settings.problem import Path, Problem, path_text, title
from percorso.core.settings.schema import NAMED_BY, Document


class Shaped(msgspec.Struct, frozen=True, kw_only=True):
    """A document, as far as the tables gave one, and what was wrong with their shape."""

    document: Document | None
    """Without the keys that are wrong; None where no document is left without them."""
    problems: tuple[Problem, ...] = ()


def shape(tables: Mapping[str, Any]) -> Shaped:
    """Read the tables as a document."""
    try:
        return Shaped(document=Document.model_validate(tables))
    except ValidationError as error:
        errors = error.errors(include_url=False)
    problems = tuple(shape_problem(Document, one, _titled(tables, one["loc"][:-1])) for one in errors)
    try:
        rest = Document.model_validate(without(tables, [one["loc"] for one in errors]))
    except ValidationError:
        return Shaped(document=None, problems=problems)
    return Shaped(document=rest, problems=problems)


def without(value: Any, wrong: list[Path]) -> Any:
    """A copy of the tables without the places that are wrong, so that the rest can be judged too."""
    heads = {path[0] for path in wrong if len(path) == 1}
    if isinstance(value, Mapping):
        return {key: without(one, _below(wrong, key)) for key, one in value.items() if key not in heads}
    if isinstance(value, list):
        return [without(one, _below(wrong, place)) for place, one in enumerate(value) if place not in heads]
    return value


def _below(paths: list[Path], head: str | int) -> list[Path]:
    return [path[1:] for path in paths if len(path) > 1 and path[0] == head]


def _titled(tables: Mapping[str, Any], path: Path) -> str:
    """What people call the table at the path: `host "encryptor": primary[0]`, or its place."""
    match path:
        case (str(noun), int(place), *rest):
            table = tables[noun][place]
            name = table.get(NAMED_BY.get(noun, "name")) if isinstance(table, Mapping) else None
            head = title(noun, name) if isinstance(name, str) else path_text(path[:2])
            return ": ".join(part for part in (head, path_text(tuple(rest))) if part)
        case _:
            return path_text(path)


def shape_problem(model: type[BaseModel], error: ErrorDetails, where: str) -> Problem:
    """One finding of pydantic in our words; `where` names the table that it is in."""
    path: Path = error["loc"]
    message, mend = _words(model, path, error)
    return Problem(path=path, message=f"{where}: {message}" if where else message, mend=mend)


def _words(model: type[BaseModel], path: Path, error: ErrorDetails) -> tuple[str, str]:
    """What is wrong, and the mend."""
    key = str(path[-1]) if path else "the document"
    context = error.get("ctx", {})
    found = f"{key} is {_shown(error['input'])}"
    match error["type"]:
        case "extra_forbidden":
            return f'unknown key "{key}"', _nearest(model, path)
        case "missing":
            return f'key "{key}" is missing', "add it"
        case "literal_error":
            return found, "use " + str(context["expected"]).replace("'", '"')
        case "too_long" | "string_too_long":
            what = "entries" if error["type"] == "too_long" else "characters"
            return f"{key} has more than {context['max_length']} {what}", "shorten it"
        case "greater_than_equal" | "less_than_equal":
            return found, f"use {context['ge']} or more" if "ge" in context else f"use {context['le']} or less"
        case "value_error":
            message, _, mend = error["msg"].removeprefix("Value error, ").rpartition("; ")
            return f"{key}: {message}", mend
        case kind:
            return found, f"write {_WANTED.get(kind, error['msg'])}"


_WANTED = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "string_type": "text in quotes",
    "tuple_type": 'a list, such as ["one", "two"]',
    "model_type": 'a table, such as { key = "value" }',
    "bool_parsing": "true or false",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": 'a span of time, such as "30s" or "24h"',
    "path_type": "a path in quotes",
    "dict_type": 'a table, such as { key = "value" }',
}


def _shown(value: object) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value)
    if isinstance(value, bool):
        text = text.lower()
    return text if len(text) <= 60 else f"{text[:60]}…"


def _nearest(model: type[BaseModel], path: Path) -> str:
    known = _fields(model, path[:-1])
    near = difflib.get_close_matches(str(path[-1]), known, n=1)
    return f'did you mean "{near[0]}"?' if near else f"known here: {', '.join(known)}"


def _fields(model: type[BaseModel], path: Path) -> list[str]:
    """The keys of the table at the path."""
    for key in path:
        if isinstance(key, str) and key in model.model_fields:
            model = next(_models(model.model_fields[key].annotation), model)
    return list(model.model_fields)


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
