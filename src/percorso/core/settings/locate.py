"""Finds the line on which a key of a TOML text is written, which the parser does not tell.

The text must be valid TOML: this follows its structure (TOML 1.0.0) and checks nothing.
"""

import re
from typing import Final

import msgspec

from percorso.core.settings.problem import Path, Problem, path_text
from percorso.core.settings.toml import BadToml

_SPACE: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY: Final = re.compile(
    r"""[ \t]*(?:"(?P<basic>(?:[^"\\]|\\.)*)"|'(?P<literal>[^']*)'|(?P<bare>[A-Za-z0-9_-]+))[ \t]*"""
)
_STRING: Final = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|' + r"'''.*?'{3,5}|" + r'"(?:[^"\\]|\\.)*"|' + r"'[^']*'", re.DOTALL
)
_BARE: Final = re.compile(r"[^,\]}\n#]+")


class Lines:
    """The line, from 1, of every table, key and entry of one TOML text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines: dict[Path, int] = {}
        self._tables: dict[Path, int] = {}  # arrays of tables: how many so far
        self._counted = (0, 1)  # a position, and the line it is on
        self._scan()

    def of(self, path: Path) -> int:
        """The line of the path, or of the nearest table around it that is written; 1 where there is none."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    def _line(self, position: int) -> int:
        start, line = self._counted
        line += self._text.count("\n", start, position)
        self._counted = (position, line)
        return line

    def _skip(self, position: int) -> int:
        found = _SPACE.match(self._text, position)
        return found.end() if found else position

    def _scan(self) -> None:
        table: Path = ()
        position = self._skip(0)
        while position < len(self._text):
            if self._text[position] == "[":
                table, position = self._header(position)
            else:
                position = self._pair(table, position)
            position = self._skip(position)

    def _header(self, position: int) -> tuple[Path, int]:
        array = self._text.startswith("[[", position)
        line = self._line(position)
        keys, position = self._dotted(position + (2 if array else 1))
        path = self._resolve(keys[:-1])
        path = (*path, keys[-1])
        if array:
            index = self._tables.get(path, 0)
            self._tables[path] = index + 1
            self._lines.setdefault(path, line)
            path = (*path, index)
        else:
            path = self._resolve(keys)
        self._lines.setdefault(path, line)
        return path, position + (2 if array else 1)

    def _resolve(self, keys: Path) -> Path:
        """The path that a header's keys mean: below an array of tables, its last table."""
        path: Path = ()
        for key in keys:
            path = (*path, key)
            if path in self._tables:
                path = (*path, self._tables[path] - 1)
        return path

    def _dotted(self, position: int) -> tuple[Path, int]:
        keys: list[str] = []
        while found := _KEY.match(self._text, position):
            keys.append(found["basic"] or found["literal"] or found["bare"] or "")
            position = found.end()
            if not self._text.startswith(".", position):
                break
            position += 1
        return tuple(keys), position

    def _pair(self, table: Path, position: int) -> int:
        line = self._line(position)
        keys, position = self._dotted(position)
        for count in range(1, len(keys) + 1):
            self._lines.setdefault((*table, *keys[:count]), line)
        return self._value((*table, *keys), self._skip(position + 1))

    def _value(self, path: Path, position: int) -> int:
        if self._text.startswith("[", position):
            return self._entries(path, position + 1)
        if self._text.startswith("{", position):
            return self._inline(path, position + 1)
        found = _STRING.match(self._text, position) or _BARE.match(self._text, position)
        return found.end() if found else len(self._text)

    def _entries(self, path: Path, position: int) -> int:
        index = 0
        position = self._skip(position)
        while position < len(self._text) and self._text[position] != "]":
            self._lines[*path, index] = self._line(position)
            position = self._past_comma(self._value((*path, index), position))
            index += 1
        return position + 1

    def _inline(self, path: Path, position: int) -> int:
        position = self._skip(position)
        while position < len(self._text) and self._text[position] != "}":
            position = self._past_comma(self._pair(path, position))
        return position + 1

    def _past_comma(self, position: int) -> int:
        position = self._skip(position)
        return self._skip(position + 1) if self._text.startswith(",", position) else position


class LocatedProblem(msgspec.Struct, frozen=True, kw_only=True):
    """A problem with its place in a file."""

    line: int  # from 1
    column: int = 0  # from 1; 0 is unknown
    path: str  # "host[0].primary"
    text: str

    @classmethod
    def of(cls, problem: Problem, lines: Lines) -> "LocatedProblem":
        """The problem at its line."""
        return cls(line=lines.of(problem.path), path=path_text(problem.path), text=str(problem))

    @classmethod
    def of_syntax(cls, error: BadToml) -> "LocatedProblem":
        """An error of syntax."""
        return cls(line=error.line, column=error.column, path="", text=str(error))

    def at(self, file: str) -> str:
        """The problem as compilers write theirs: `file:line:column: text`."""
        place = ":".join(str(part) for part in (file, self.line, self.column) if part)
        return f"{place}: {self.text}"
