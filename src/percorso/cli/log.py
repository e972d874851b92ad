"""`percorso log search | show | verify | erase`."""

import datetime
import sys
import time
from secrets import token_hex
from typing import Annotated

import typer

from percorso.cli.log_view import show_found, show_story
from percorso.cli.node import ConfigOption, JsonOption, LimitOption, YesOption, stores
from percorso.cli.output import complain, err, say, write_json
from percorso.cli.queue import FailureOption, IdArgument, RecipientOption, SenderOption
from percorso.cli.starters import Starters
from percorso.core.delivery.outcome import Status
from percorso.core.mail.address import BadAddress, parse_address
from percorso.core.settings.duration import seconds
from percorso.operations import evidence
from percorso.operations import log as operations
from percorso.operations.actor import operating_system_user
from percorso.ports.evidence import EvidenceFilter

_WHEN = "A time (2026-11-23, 2026-11-23T20:45) or a span ago (30m, 24h)."


def add(app: typer.Typer, starters: Starters) -> None:
    """Add the verb."""
    log = typer.Typer(help="The evidence: how every message travelled.", no_args_is_help=True)
    app.add_typer(log, name="log")
    _add_search(log, starters)
    _add_show(log, starters)
    _add_verify(log, starters)
    _add_erase(log, starters)


def _add_search(log: typer.Typer, starters: Starters) -> None:
    @log.command()
    def search(  # noqa: PLR0913 (the options of one verb)
        *,
        sender: SenderOption = "",
        to: RecipientOption = "",
        status: Annotated[
            Status | None, typer.Option(metavar="STATUS", show_default=False, help=f"One of {', '.join(Status)}.")
        ] = None,
        failure: FailureOption = None,
        host: Annotated[str, typer.Option(metavar="NAME", help="Over this host.")] = "",
        secure: Annotated[
            bool | None, typer.Option("--secure/--plaintext", help="Delivered over TLS, or in plaintext.")
        ] = None,
        since: Annotated[str, typer.Option(metavar="WHEN", help=_WHEN)] = "",
        until: Annotated[str, typer.Option(metavar="WHEN", help=_WHEN)] = "",
        limit: LimitOption = 100,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """List delivery attempts, the newest first.

        Example: percorso log search --to bank.test --plaintext --since 24h
        """
        now = time.time()
        which = EvidenceFilter(
            sender=sender,
            recipient=to,
            status=status or "",
            failure=failure or "",
            host=host,
            secure=secure,
            since=_when(since, now),
            until=_when(until, now),
        )
        records = operations.search(stores(starters, config).evidence(), which, limit=limit)
        if json:
            write_json(records)
            return
        show_found(records)
        if len(records) == limit:
            say(f"the newest {limit}; there may be more: raise --limit, or narrow the search")


def _add_show(log: typer.Typer, starters: Starters) -> None:
    @log.command()
    def show(queue_id: IdArgument, config: ConfigOption = None, json: JsonOption = False) -> None:
        """Tell one message's story: every attempt, the decision, TLS, certificate and reply.

        Example: percorso log show 4RtqVb0001k
        """
        records = operations.show(stores(starters, config).evidence(), queue_id)
        if json:
            write_json(records)
        elif records:
            show_story(records)
        else:
            hint = f"see `percorso queue show {queue_id}` for a message that was not tried yet"
            complain(f"percorso: no attempt for {queue_id} is known; {hint}")
        raise typer.Exit(0 if records else 1)


def _add_verify(log: typer.Typer, starters: Starters) -> None:
    @log.command()
    def verify(
        head: Annotated[
            list[str] | None, typer.Option(metavar="CHAIN:COUNT:HASH", help="A head that was kept elsewhere.")
        ] = None,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Check that no evidence was changed or removed, and print the head of every chain.

        Keep the heads elsewhere, and give them back with --head: so even a chain that was replaced whole is found.

        Example: percorso log verify --head mail1/0:1200:9f86d081…
        """
        try:
            heads = tuple(operations.parse_head(text) for text in head or [])
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
        with err.status("checking the evidence …"):
            node = stores(starters, config)
            found = operations.verify(node.evidence(), node.audit(), heads)
        if json:
            write_json(found)
            return
        for one in found:
            say(str(one))
        say(f"the evidence is whole: {sum(one.count for one in found)} records in {len(found)} chains")


def _add_erase(log: typer.Typer, starters: Starters) -> None:
    @log.command()
    def erase(
        address: Annotated[str, typer.Option(metavar="ADDRESS", help="Whose; with every +tag.")],
        yes: YesOption = False,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Remove one person's names from the evidence: of all mail from or to this address.

        The records stay, without sender, recipient and reply, and the chains still verify. It cannot be undone.
        What is still in the queue is not touched; neither are backups.

        Example: percorso log erase --address anna@corp.test
        """
        try:
            person = parse_address(address)
        except BadAddress as error:
            raise typer.BadParameter(str(error)) from None
        node = stores(starters, config)
        question = f"Erase {person} from the evidence for good?"
        if not yes and sys.stdin.isatty() and not typer.confirm(question, err=True):
            raise typer.Exit(1)
        with err.status("reading the evidence …"):
            records = evidence.erase(
                node.curator(), node.audit(), person, salt=token_hex(16), actor=operating_system_user(), now=time.time()
            )
        if json:
            write_json({"records": records})
        else:
            say(f"erased from {records} records; `percorso audit list --event evidence:erase` has the digest")


def _when(text: str, now: float) -> float:
    """A time or a span ago, in unix seconds; 0 for none."""
    if not text:
        return 0.0
    try:
        return now - seconds(text)
    except ValueError:
        pass
    try:
        return datetime.datetime.fromisoformat(text).astimezone().timestamp()
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no time; write 2026-11-23, 2026-11-23T20:45, or 24h for a day ago"
        ) from None
