"""`percorso settings example | check | plan | apply | export | history | rollback`."""

import asyncio
import sys
import time
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from percorso.cli.node import ConfigOption, JsonOption, LimitOption, YesOption, configuration, stores
from percorso.cli.output import complain, err, moment, say, show_table, write_json
from percorso.cli.plan_view import plan_json, show_plan
from percorso.cli.relax_view import How, relax_queued, tell_stricter
from percorso.cli.starters import Starters
from percorso.operations import settings as operations
from percorso.operations.actor import operating_system_user
from percorso.operations.network import Network
from percorso.operations.settings_file import BadSettings, Draft, check_settings, read_settings
from percorso.operations.stores import Stores
from percorso.operations.try_hosts import new_hosts, try_hosts
from percorso.operations.warnings import warnings
from percorso.ports.settings import SettingsConflict

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="A settings document (TOML).", show_default=False)]
RelaxOption = Annotated[
    bool, typer.Option("--relax-queued", help="Let queued mail go under weaker requirements too; it is listed first.")
]
CommentOption = Annotated[str, typer.Option("--comment", metavar="TEXT", help="Why; it shows in the history.")]


def add(app: typer.Typer, starters: Starters) -> None:
    """Add the verb."""
    settings = typer.Typer(help="What the organization decides: versioned and audited.", no_args_is_help=True)
    app.add_typer(settings, name="settings")
    _add_judging(settings, starters)
    _add_reading(settings, starters)
    _add_changing(settings, starters)
    _add_rollback(settings, starters)


def _add_judging(settings: typer.Typer, starters: Starters) -> None:
    @settings.command()
    def check(file: FileArgument, config: ConfigOption = None, json: JsonOption = False) -> None:
        """Tell all that is wrong with a settings document, by line, with the mend; and which secrets are missing here.

        Example: percorso settings check settings.toml
        """
        draft = _read(file, as_json=json)
        warnings = _warnings(draft, starters, config)
        if json:
            write_json({"file": str(file), "problems": [], "warnings": warnings})
        else:
            say(f"{file}: can be applied ({_contents(draft)})")

    @settings.command()
    def plan(file: FileArgument, config: ConfigOption = None, json: JsonOption = False) -> None:
        """Show what applying a settings document would change. Exit code 1 where another change came between.

        Example: percorso settings plan settings.toml
        """
        draft = _read(file, as_json=json)
        found = operations.plan(stores(starters, config).settings(), draft)
        if json:
            write_json(plan_json(found))
        else:
            show_plan(found)
        if found.conflict:
            raise SettingsConflict(found.base, found.newest)


def _add_reading(settings: typer.Typer, starters: Starters) -> None:
    @settings.command()
    def example(json: JsonOption = False) -> None:
        """Write a settings document to start from: hosts, a list of partners, [secure] in the subject, a route.

        Example: percorso settings example > settings.toml
        """
        text = (files("percorso.cli") / "example.toml").read_text(encoding="utf-8")
        if json:
            write_json(check_settings(text, Path("example.toml")).document.model_dump(mode="json"))
        else:
            sys.stdout.write(text)

    @settings.command()
    def export(
        version: Annotated[int | None, typer.Option(min=0, show_default=False, help="An older version.")] = None,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Write the settings to standard output, ready to be edited and applied.

        Example: percorso settings export > settings.toml
        """
        store = stores(starters, config).settings()
        if json:
            write_json(operations.document(store, version).model_dump(mode="json"))
        else:
            sys.stdout.write(operations.export(store, version))

    @settings.command()
    def history(limit: LimitOption = 20, config: ConfigOption = None, json: JsonOption = False) -> None:
        """List the versions, the newest first.

        Example: percorso settings history
        """
        versions = operations.history(stores(starters, config).settings(), limit=limit)
        if json:
            write_json(versions)
            return
        rows = [(one.version, moment(one.at), one.actor, one.comment) for one in versions]
        show_table(("Version>", "When", "Who", "Comment"), rows)


def _add_changing(settings: typer.Typer, starters: Starters) -> None:
    @settings.command()
    def apply(  # noqa: PLR0913 (the options of one verb)
        *,
        file: FileArgument,
        yes: YesOption = False,
        relax_queued: RelaxOption = False,
        strict_hosts: Annotated[
            bool, typer.Option("--strict-hosts", help="Change nothing where a new or changed host does not do.")
        ] = False,
        comment: CommentOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Make a settings document the settings in force; running nodes take it up at once.

        A document is whole: what it leaves out is removed. On a terminal the plan is shown and you are asked. Mail in
        the queue keeps the requirement that it was accepted under, unless --relax-queued says otherwise. New and
        changed hosts are connected to first, and what is wrong with them is told.

        Example: percorso settings apply settings.toml --comment "TLS for partners"
        """
        draft = _read(file, as_json=json)
        node = stores(starters, config)
        _warnings(draft, starters, config)
        agreed = operations.with_comment(operations.plan(node.settings(), draft), comment)
        if not agreed.conflict and new_hosts(agreed):
            _try_hosts(agreed, starters.network(configuration(config)), strict=strict_hosts)
        _apply(node, agreed, How(yes=yes, relax_queued=relax_queued, as_json=json))


def _add_rollback(settings: typer.Typer, starters: Starters) -> None:
    @settings.command()
    def rollback(
        version: Annotated[int, typer.Argument(min=0, help="The version to go back to.", show_default=False)],
        yes: YesOption = False,
        relax_queued: RelaxOption = False,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Make a new version that equals an old one.

        Example: percorso settings rollback 12
        """
        node = stores(starters, config)
        agreed = operations.plan_rollback(node.settings(), version)
        _apply(node, agreed, How(yes=yes, relax_queued=relax_queued, as_json=json))


def _try_hosts(agreed: operations.Plan, network: Network, *, strict: bool) -> None:
    with err.status("trying the hosts …"):
        wrong = asyncio.run(try_hosts(agreed, network))
    for text in wrong:
        complain(f"warning: {text}")
    if wrong and strict:
        complain("nothing was changed")
        raise typer.Exit(1)


def _apply(node: Stores, agreed: operations.Plan, how: How) -> None:
    if agreed.conflict:
        raise SettingsConflict(agreed.base, agreed.newest)
    if not how.as_json:
        show_plan(agreed)
    if agreed.changes and not how.agreed_to("Apply this?"):
        complain("nothing was changed")
        raise typer.Exit(1)
    version = operations.apply(node.settings(), agreed, actor=operating_system_user(), now=time.time())
    told = {"version": version, "changes": len(agreed.changes)}
    if agreed.changes and not how.as_json:
        say(f"version {version} is in force")
    if how.relax_queued:
        told |= relax_queued(node, how)
    elif agreed.changes:
        told |= tell_stricter(node, how)
    if how.as_json:
        write_json(told)


def _read(file: Path, *, as_json: bool) -> Draft:
    try:
        return read_settings(file)
    except BadSettings as error:
        if not as_json:
            raise
        write_json({"file": error.file, "problems": error.problems})
        raise typer.Exit(2) from None


def _warnings(draft: Draft, starters: Starters, config: Path | None) -> list[str]:
    """Tell what does not keep the document from being applied, and return it."""
    found = warnings(draft.document, lambda: stores(starters, config).secrets())
    for warning in found:
        complain(f"warning: {warning}")
    return found


def _contents(draft: Draft) -> str:
    document = draft.document
    entries = sum(len(one.entries) for one in document.address_list)
    counts = [
        (len(document.unit), "unit", "units"),
        (len(document.host), "host", "hosts"),
        (len(document.address_list), "address list", "address lists"),
        (entries, "entry", "entries"),
        (len(document.tls_compliance), "TLS compliance setting", "TLS compliance settings"),
        (len(document.routing_rule), "routing rule", "routing rules"),
        (len(document.dkim), "DKIM domain", "DKIM domains"),
        (len(document.alternate_secure_route), "alternate secure route", "alternate secure routes"),
    ]
    return ", ".join(f"{count:,} {one if count == 1 else many}" for count, one, many in counts if count) or "empty"
