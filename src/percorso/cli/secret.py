"""`percorso secret set | list | remove`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from percorso.cli.hidden import read_hidden
from percorso.cli.node import ConfigOption, JsonOption, stores
from percorso.cli.output import say, write_json
from percorso.cli.starters import Starters
from percorso.operations import secret as operations
from percorso.operations.actor import operating_system_user

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="As settings name it.", show_default=False)]
FileOption = Annotated[
    Path | None,
    typer.Option(
        "--file", metavar="FILE", show_default=False, help='Read it from there; "-" or a pipe is standard input.'
    ),
]


def add(app: typer.Typer, starters: Starters) -> None:
    """Add the verb."""
    secret = typer.Typer(help="Passwords and keys that settings name, of this node.", no_args_is_help=True)
    app.add_typer(secret, name="secret")
    _add_set(secret, starters)
    _add_list(secret, starters)
    _add_remove(secret, starters)


def _add_set(secret: typer.Typer, starters: Starters) -> None:
    @secret.command("set")
    def set_(
        name: NameArgument, file: FileOption = None, config: ConfigOption = None, json: JsonOption = False
    ) -> None:
        """Keep a secret on this node, in place of an older one of that name. It is never shown again.

        Example: percorso secret set encryptor-password
        """
        node = stores(starters, config)
        value = read_hidden("Secret", file)
        operations.set_secret(node.secrets(), node.audit(), name, value, actor=operating_system_user(), now=time.time())
        if json:
            write_json({"name": name})
        else:
            say(f"the secret {name} is set on this node")


def _add_list(secret: typer.Typer, starters: Starters) -> None:
    @secret.command("list")
    def list_(config: ConfigOption = None, json: JsonOption = False) -> None:
        """List the names of this node's secrets.

        Example: percorso secret list
        """
        names = operations.list_secrets(stores(starters, config).secrets())
        if json:
            write_json(names)
        else:
            for name in names:
                say(name)


def _add_remove(secret: typer.Typer, starters: Starters) -> None:
    @secret.command()
    def remove(name: NameArgument, config: ConfigOption = None, json: JsonOption = False) -> None:
        """Forget a secret of this node.

        Example: percorso secret remove encryptor-password
        """
        node = stores(starters, config)
        operations.remove_secret(node.secrets(), node.audit(), name, actor=operating_system_user(), now=time.time())
        if json:
            write_json({"name": name})
        else:
            say(f"the secret {name} is gone from this node")
