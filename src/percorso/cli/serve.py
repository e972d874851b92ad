"""`percorso serve`."""

from typing import Annotated

import typer

from percorso.cli.node import ConfigOption, configuration
from percorso.cli.starters import Starters


def add(app: typer.Typer, starters: Starters) -> None:
    """Add the verb."""

    @app.command()
    def serve(
        config: ConfigOption = None,
        json: Annotated[bool, typer.Option("--json", help="Log in JSON, whatever [log] says.")] = False,
    ) -> None:
        """Take in mail and deliver it, until told to stop (Ctrl-C or SIGTERM).

        Without a configuration it listens on 127.0.0.1:2525 for this machine and keeps its data in ./var.

        Example: percorso serve --config /etc/percorso/percorso.toml
        """
        node = configuration(config)
        if json:
            node = node.model_copy(update={"log": node.log.model_copy(update={"format": "json"})})
        raise typer.Exit(starters.serve(node))
