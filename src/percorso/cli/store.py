"""`percorso store backup | restore`."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress as Bars

from percorso.cli.node import ConfigOption, JsonOption, stores
from percorso.cli.output import err, moment, say, size, write_json
from percorso.cli.starters import Starters
from percorso.operations import backup as operations
from percorso.operations.actor import operating_system_user
from percorso.ports.backup import Backup, Progress


def add(app: typer.Typer, starters: Starters) -> None:
    """Add the verb."""
    store = typer.Typer(help="The node's data: back up while it runs, restore while it does not.", no_args_is_help=True)
    app.add_typer(store, name="store")
    _add_backup(store, starters)
    _add_restore(store, starters)


def _add_backup(store: typer.Typer, starters: Starters) -> None:
    @store.command()
    def backup(
        directory: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty directory.", show_default=False)],
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Copy queue, evidence, settings, audit log and secrets, and verify the copy. The node may run meanwhile.

        It holds mail and secrets: keep it as safe as the node. The configuration and the certificates that it names
        are not in it.

        Example: percorso store backup /var/backups/percorso/2026-11-23
        """
        node = stores(starters, config)
        with _shown() as progress:
            made = operations.back_up(
                node, directory.absolute(), actor=operating_system_user(), now=time.time(), progress=progress
            )
        if json:
            write_json(made)
            return
        say(f"{directory}: {_contents(made)}")
        for head in made.heads:
            say(str(head))


def _add_restore(store: typer.Typer, starters: Starters) -> None:
    @store.command()
    def restore(
        directory: Annotated[Path, typer.Argument(metavar="DIR", help="A backup.", show_default=False)],
        force: Annotated[
            bool, typer.Option("--force", help="Replace data that are there; they are moved aside, not removed.")
        ] = False,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Put a backup in the place of the node's data. The node must not run.

        Mail that was queued when the backup was made is tried again, also where it was delivered since; what was being
        delivered at that moment is recorded as uncertain first.

        Example: percorso store restore /var/backups/percorso/2026-11-23
        """
        node = stores(starters, config)
        with _shown() as progress:
            made = operations.restore(
                node, directory.absolute(), replace=force, actor=operating_system_user(), now=time.time(),
                progress=progress,
            )  # fmt: skip
        if json:
            write_json(made)
        else:
            say(f"restored the backup of {moment(made.at)}: {_contents(made)}")


def _contents(made: Backup) -> str:
    records = sum(head.count for head in made.heads)
    return (
        f"settings version {made.settings_version}, {made.audit_entries} audit entries, {made.recipients} recipients "
        f"in the queue, {records} records of evidence, {size(made.octets)}; verified"
    )


@contextmanager
def _shown() -> Iterator[Progress]:
    """Progress on a terminal."""
    with Bars(console=err, transient=True, disable=not err.is_terminal, auto_refresh=False) as bars:
        task = bars.add_task("", total=None)

        def progress(what: str, done: int, total: int) -> None:
            bars.update(task, description=what, completed=done, total=total, refresh=True)

        yield progress
