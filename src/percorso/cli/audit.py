"""`percorso audit list | verify`."""

from json import dumps, loads
from typing import Annotated, Any, Final

import typer

from percorso.cli.node import ConfigOption, JsonOption, LimitOption, stores
from percorso.cli.output import moment, note, say, show_facts, write_json
from percorso.cli.starters import Starters
from percorso.ports.audit import AuditRecord

_LONGEST: Final = 300


def add(app: typer.Typer, starters: Starters) -> None:
    """Add the verb."""
    audit = typer.Typer(help="Who changed what, when and from where: old and new values.", no_args_is_help=True)
    app.add_typer(audit, name="audit")

    @audit.command("list")
    def list_(
        event: Annotated[str, typer.Option(metavar="EVENT", help="Such as host:change or queue:retry.")] = "",
        actor: Annotated[str, typer.Option(metavar="NAME", help="Who did it.")] = "",
        before: Annotated[int, typer.Option(min=0, metavar="NUMBER", help="Go on from this number.")] = 0,
        limit: LimitOption = 50,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """List changes, the newest first.

        Example: percorso audit list --event tls_compliance:change
        """
        from percorso.operations.audit import Wanted, list_entries

        wanted = Wanted(event=event, actor=actor, before=before)
        records = list_entries(stores(starters, config).audit(), wanted, limit=limit)
        if json:
            write_json(records)
            return
        for record in records:
            show_record(record)

    @audit.command()
    def verify(config: ConfigOption = None, json: JsonOption = False) -> None:
        """Check that no entry was changed or removed.

        Example: percorso audit verify
        """
        from percorso.operations.audit import verify as check

        note("checking the audit log …")
        count = check(stores(starters, config).audit())
        if json:
            write_json({"entries": count})
        else:
            say(f"the audit log is whole: {count} entries")


def show_record(record: AuditRecord) -> None:
    """One entry: a line of who, when and what, and below it each key's old and new value."""
    entry = record.entry
    subject = entry.subject or (entry.unit if entry.unit != "/" else "")
    head = f"{record.number:>6}  {moment(entry.at)}  {entry.event}  {subject}".rstrip()
    version = f", version {entry.version}" if entry.version else ""
    say(f"{head}  by {entry.actor}, {entry.source}{version}")
    old, new = _keys(entry.old), _keys(entry.new)
    show_facts([(key, _change(old.get(key), new.get(key))) for key in {**old, **new}], indent=8)


def _keys(text: str) -> dict[str, Any]:
    values = loads(text) if text else {}
    return values if isinstance(values, dict) else {"": values}


def _change(old: object, new: object) -> str:
    match old, new:
        case ({"removed": removed}, {"added": added}):
            return " ".join([f"- {_short(removed)}" if removed else "", f"+ {_short(added)}" if added else ""]).strip()
        case ({"removed": removed}, None):
            return f"- {_short(removed)}"
        case (None, {"added": added}):
            return f"+ {_short(added)}"
        case (None, _):
            return _short(new)
        case (_, None):
            return f"{_short(old)} → (removed)"
        case _:
            return f"{_short(old)} → {_short(new)}"


def _short(value: object) -> str:
    """The value in JSON; a long one is cut, `--json` has it whole."""
    text = dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
