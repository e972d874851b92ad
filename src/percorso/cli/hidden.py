"""What nobody is to see: typed without an echo, piped in, or in a file. Never an argument, which others can list."""

import sys
from pathlib import Path

import typer


def read_hidden(what: str, file: Path | None) -> bytes:
    """From the file, else typed twice on a terminal, else all of standard input."""
    if file is not None and str(file) != "-":
        try:
            return file.read_bytes()
        except OSError as error:
            raise typer.BadParameter(f"{file} cannot be read ({error.strerror})") from None
    if file is None and sys.stdin.isatty():
        typed: str = typer.prompt(what, hide_input=True, confirmation_prompt="Again", err=True)
        return typed.encode("utf-8", "surrogateescape")
    return sys.stdin.buffer.read()
