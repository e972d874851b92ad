"""Every command that the documents show exists, with the options that they show."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
import typer

from percorso.cli.main import build
from percorso.cli.starters import Starters

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_COMMAND = re.compile(r"^(?:\$ )?percorso (.+)$", re.MULTILINE)
_INLINE = re.compile(r"`percorso ([a-z][^`]*)`")


def shown() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        blocks = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        commands = [found for block in blocks for found in _COMMAND.findall(block)]
        for command in [*commands, *_INLINE.findall(" ".join(text.split()))]:
            yield page.name, command.partition(" #")[0].strip()


def root() -> typer.core.TyperGroup:
    nothing = Starters(serve=lambda _: 0, lab=lambda *_: 0, bench=lambda _: 0, stores=_never, network=_never)
    group = typer.main.get_group(build(nothing, ""))
    assert isinstance(group, typer.core.TyperGroup)
    return group


def _never(_: object) -> NoReturn:
    raise AssertionError


@pytest.mark.parametrize(("page", "command"), sorted(set(shown())))
def test_the_command_exists(page: str, command: str) -> None:
    words = shlex.split(command, comments=True)
    verb = root().commands[words[0]]
    below = getattr(verb, "commands", None)
    if below and len(words) > 1 and "|" not in command:
        verb = below[words[1]]
    known = {option for parameter in verb.params for option in (*parameter.opts, *parameter.secondary_opts)}
    options = {word.partition("=")[0] for word in words if word.startswith("-")}
    assert verb.name == "bench" or options <= known | {"--help"}, page
