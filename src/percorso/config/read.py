"""Reads the node configuration: the file, then what the environment says instead.

Without `--config` it is ./percorso.toml, else /etc/percorso/percorso.toml, else the embedded default.
`PERCORSO_SECTION__KEY` in the environment replaces one key; a list or table is written as JSON there.
"""

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from percorso.config.checks import check
from percorso.config.schema import Configuration
from percorso.core.settings.locate import Lines, LocatedProblem
from percorso.core.settings.problem import Problem, path_text
from percorso.core.settings.shape import shape_problem, without
from percorso.core.settings.toml import BadToml, read_toml
from percorso.core.settings.validation import together

PREFIX: Final = "PERCORSO_"
PLACES: Final = (Path("percorso.toml"), Path("/etc/percorso/percorso.toml"))

_FILES: Final = (
    ("node", "data_dir"),
    ("tls", "certificate"),
    ("tls", "key"),
    ("tls", "ca_file"),
    ("console", "certificate"),
    ("console", "key"),
)


class BadConfiguration(Exception):
    """The node cannot be configured so; each of `lines` says where and what is wrong, and the mend."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def read_configuration(file: Path | None, environ: Mapping[str, str]) -> Configuration:
    """The configuration of this node; raises `BadConfiguration`."""
    found = file or next((place for place in PLACES if place.is_file()), None)
    text = _text(found) if found else ""
    name = str(found or PLACES[0])
    try:
        tables = read_toml(text)
    except BadToml as error:
        raise BadConfiguration([LocatedProblem.of_syntax(error).at(name)]) from None
    wrong = list(_unknown_sections(environ))
    from_environment = _merge_environment(tables, environ)
    configuration, problems = _configure(tables, (found.parent if found else Path()).absolute())
    wrong += _told(problems, name, Lines(text), from_environment)
    if wrong:
        raise BadConfiguration(wrong)
    return configuration


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        text = f"cannot be read ({error.strerror}); correct --config or the file's permissions"
    except UnicodeDecodeError:
        text = "is not UTF-8 text; a configuration is TOML"
    raise BadConfiguration([f"{file}: {text}"])


def _merge_environment(tables: dict[str, Any], environ: Mapping[str, str]) -> dict[tuple[str, ...], str]:
    """Put the environment's values into the tables; returns which variable gave which key."""
    given: dict[tuple[str, ...], str] = {}
    for variable, text in sorted(environ.items()):
        section, _, key = variable.removeprefix(PREFIX).lower().partition("__")
        if not variable.startswith(PREFIX) or section not in Configuration.model_fields:
            continue
        if not key:
            tables[section] = _value(text)
            given[(section,)] = variable
        elif isinstance(table := tables.setdefault(section, {}), dict):
            table[key] = _value(text)
            given[(section, key)] = variable
    return given


def _value(text: str) -> Any:
    """A list or table from its JSON; any other value stays text, which the schema turns into its type."""
    if text[:1] in {"[", "{"}:
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _unknown_sections(environ: Mapping[str, str]) -> Iterator[str]:
    for variable in sorted(environ):
        section, separator, _ = variable.removeprefix(PREFIX).lower().partition("__")
        if variable.startswith(PREFIX) and separator and section not in Configuration.model_fields:
            near = difflib.get_close_matches(section, Configuration.model_fields, n=1)
            mend = f"did you mean {PREFIX}{near[0].upper()}__…?" if near else "unset it"
            yield f'{variable}: unknown section "{section}"; {mend}'


def _configure(tables: dict[str, Any], folder: Path) -> tuple[Configuration, tuple[Problem, ...]]:
    shape_problems: tuple[Problem, ...] = ()
    try:
        configuration = Configuration.model_validate(tables)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        shape_problems = tuple(shape_problem(Configuration, one, path_text(one["loc"][:-1])) for one in errors)
        configuration = Configuration.model_validate(without(tables, [one["loc"] for one in errors]))
    configuration = _rooted(configuration, folder)
    return configuration, together(shape_problems, check(configuration))


def _rooted(configuration: Configuration, folder: Path) -> Configuration:
    """Relative paths are relative to the file."""
    rooted: dict[str, BaseModel] = {}
    for section, key in _FILES:
        table: BaseModel = rooted.get(section, getattr(configuration, section))
        path: Path | None = getattr(table, key)
        if path:
            rooted[section] = table.model_copy(update={key: folder / path})
    return configuration.model_copy(update=rooted)


def _told(
    problems: Iterable[Problem], file: str, lines: Lines, from_environment: Mapping[tuple[str, ...], str]
) -> Iterator[str]:
    """Each problem with its place: first those of the environment, then those of the file by line."""
    located = [(problem, LocatedProblem.of(problem, lines)) for problem in problems]
    for problem, one in sorted(located, key=lambda pair: pair[1].line):
        path = tuple(str(part) for part in problem.path)
        variable = from_environment.get(path[:2]) or from_environment.get(path[:1])
        yield f"{variable}: {problem}" if variable else one.at(file)
