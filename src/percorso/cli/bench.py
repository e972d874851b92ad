"""`percorso bench`."""

import typer

from percorso.cli.starters import Starters


def add(app: typer.Typer, starters: Starters) -> None:
    """Add the verb."""

    @app.command(
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    )
    def bench(context: typer.Context) -> None:
        """Measure speed and size of one node on this machine; beside Postfix, `make bench` does it from the sources.

        Example: percorso bench --messages 20000
        """
        raise typer.Exit(starters.bench(context.args))
