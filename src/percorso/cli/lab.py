"""`percorso lab`."""

from typing import Annotated

import typer

from percorso.cli.node import JsonOption
from percorso.cli.starters import Starters


def add(app: typer.Typer, starters: Starters) -> None:
    """Add the verb."""

    @app.command()
    def lab(
        keep: Annotated[bool, typer.Option("--keep", help="Go on serving until Ctrl-C.")] = False,
        json: JsonOption = False,
    ) -> None:
        """Try everything out on this machine, without a network.

        Starts servers of every kind and an encrypting host on loopback, sends real messages to each under four
        settings, and shows what became of each. Exit code 1 if any is not as it must be.

        Example: percorso lab
        """
        raise typer.Exit(starters.lab(keep, json))
