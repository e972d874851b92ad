"""The node that a verb works on: its configuration and its stores, and the options that every verb shares."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from percorso.cli.starters import Starters

if TYPE_CHECKING:  # so that help is quick
    from percorso.config.schema import Configuration
    from percorso.operations.stores import Stores

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", show_default=False, help="Node configuration. Default: ./percorso.toml, if any."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, help="Show at most this many.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def configuration(file: Path | None) -> "Configuration":
    """The node's configuration; raises `BadConfiguration`."""
    from percorso.config.read import read_configuration

    return read_configuration(file, os.environ)


def stores(starters: Starters, file: Path | None) -> "Stores":
    """The node's stores, used as their owner; raises `BadConfiguration` or `NotAllowed`."""
    from percorso.operations.actor import become_owner

    opened = starters.stores(configuration(file))
    become_owner(opened.folder)
    return opened
