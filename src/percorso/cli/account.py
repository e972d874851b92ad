"""`percorso account add | list | password | remove`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from percorso.cli.hidden import read_hidden
from percorso.cli.node import ConfigOption, JsonOption, stores
from percorso.cli.output import say, show_table, write_json
from percorso.cli.starters import Starters
from percorso.core.access.password import BadPassword
from percorso.core.settings.schema import Account
from percorso.operations import account as operations
from percorso.operations.actor import operating_system_user

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The name that it authenticates with.", show_default=False)
]
PasswordFileOption = Annotated[
    Path | None,
    typer.Option(
        "--password-file",
        metavar="FILE",
        show_default=False,
        help='Read it from there; "-" or a pipe is standard input.',
    ),
]
GenerateOption = Annotated[bool, typer.Option("--generate", help="Make a password up, and show it once.")]


def add(app: typer.Typer, starters: Starters) -> None:
    """Add the verb."""
    account = typer.Typer(
        help="People, applications and printers that submit mail with AUTH over TLS.", no_args_is_help=True
    )
    app.add_typer(account, name="account")
    _add_add(account, starters)
    _add_list(account, starters)
    _add_password(account, starters)
    _add_remove(account, starters)


def _add_add(account: typer.Typer, starters: Starters) -> None:
    @account.command("add")
    def add_(  # noqa: PLR0913 (the options of one verb)
        *,
        name: NameArgument,
        address: Annotated[
            list[str], typer.Option(metavar="A", help="A sender that it may use, or an own domain; may be given again.")
        ],
        unit: Annotated[str, typer.Option(metavar="UNIT", help="The unit whose settings apply to its mail.")] = "/",
        rate: Annotated[str, typer.Option(metavar="N/TIME", help='Such as "100/1h". Default: no limit.')] = "",
        password_file: PasswordFileOption = None,
        generate: GenerateOption = False,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Add an account to the settings, and set its password.

        Example: percorso account add scanner --address scanner@corp.test --generate
        """
        desk = _desk(starters, config)
        password = _password(password_file, generate=generate)
        wanted = Account(name=name, unit=unit, addresses=tuple(address), rate=rate)
        version = operations.add(desk, wanted, password)
        shown = {"password": password} if generate else {}
        if json:
            write_json({"name": name, "version": version, **shown})
        else:
            say(f"version {version} is in force: the account {name} may send")
            _show(shown)


def _add_list(account: typer.Typer, starters: Starters) -> None:
    @account.command("list")
    def list_(config: ConfigOption = None, json: JsonOption = False) -> None:
        """List the accounts, and whether each has a password.

        Example: percorso account list
        """
        found = operations.list_accounts(_desk(starters, config))
        if json:
            write_json(found)
            return
        rows = [
            (one.name, one.unit, one.rate, "set" if one.has_password else "none", " ".join(one.addresses))
            for one in found
        ]
        show_table(("Account", "Unit", "Rate", "Password", "Addresses"), rows)


def _add_password(account: typer.Typer, starters: Starters) -> None:
    @account.command()
    def password(
        name: NameArgument,
        password_file: PasswordFileOption = None,
        generate: GenerateOption = False,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Set an account's password; the old one is refused at once.

        Example: percorso account password scanner
        """
        desk = _desk(starters, config)
        chosen = _password(password_file, generate=generate)
        operations.set_password(desk, name, chosen)
        shown = {"password": chosen} if generate else {}
        if json:
            write_json({"name": name, **shown})
        else:
            say(f"the account {name} has a new password")
            _show(shown)


def _add_remove(account: typer.Typer, starters: Starters) -> None:
    @account.command()
    def remove(name: NameArgument, config: ConfigOption = None, json: JsonOption = False) -> None:
        """Remove an account from the settings, with its password.

        Example: percorso account remove scanner
        """
        version = operations.remove(_desk(starters, config), name)
        if json:
            write_json({"name": name, "version": version})
        else:
            say(f"version {version} is in force: there is no account {name} any more")


def _desk(starters: Starters, config: Path | None) -> operations.Desk:
    node = stores(starters, config)
    return operations.Desk(
        settings=node.settings(), passwords=node.passwords(), actor=operating_system_user(), now=time.time()
    )


def _password(file: Path | None, *, generate: bool) -> str:
    if generate:
        if file is not None:
            raise typer.BadParameter("give --generate or --password-file, not both")
        return operations.generate_password()
    try:
        return read_hidden("Password", file).decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise BadPassword("the password is not UTF-8 text") from None


def _show(shown: dict[str, str]) -> None:
    for name, value in shown.items():
        say(f"{name}: {value}")
        say("It is not shown again.")
