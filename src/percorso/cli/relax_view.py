"""What queued mail keeps, as an operator hears of it when settings are applied."""

import sys
import time
from typing import Any

import msgspec
import typer

from percorso.cli.output import complain, say, show_table
from percorso.operations import relax as operations
from percorso.operations.actor import operating_system_user
from percorso.operations.stores import Stores
from percorso.ports.queue import Relaxation


class How(msgspec.Struct, frozen=True, kw_only=True):
    """How settings are applied."""

    yes: bool
    relax_queued: bool
    as_json: bool

    def agreed_to(self, question: str) -> bool:
        """Whether to go on: asked on a terminal only, and unless it was agreed to before."""
        if self.yes or not (sys.stdin.isatty() and sys.stdout.isatty()):
            return True
        return typer.confirm(question, err=True)


def relax_queued(node: Stores, how: How) -> dict[str, Any]:
    """List the mail that keeps more than is asked now, and relax it; returns what programs are told."""
    desk, now = node.queue(), time.time()
    found = list(operations.relaxations(desk, node.settings_at(None), now=now))
    if not how.as_json:
        _show(found)
    if not found:
        return {"relaxed": []}
    if not how.agreed_to(f"Relax {_recipients(len(found))}?"):
        complain("the queue was not changed")
        raise typer.Exit(1)
    count = operations.relax(desk, node.audit(), found, actor=operating_system_user(), now=now)
    if not how.as_json:
        say(f"{_recipients(count)} relaxed")
    told = [
        {"id": one.id, "number": one.number, "sender": one.sender, "recipient": one.recipient}
        | {"old": str(one.old), "new": str(one.new)}
        for one in found
    ]
    return {"relaxed": told}


def tell_stricter(node: Stores, how: How) -> dict[str, Any]:
    """Say how many in the queue keep more than is asked now; returns what programs are told."""
    found = operations.stricter(node.queue(), node.settings_at(None), now=time.time())
    if not found.count:
        return {}
    if not how.as_json:
        some = "" if found.whole else "at least "
        keep = "keeps" if found.count == 1 else "keep"
        say(
            f"{some}{_recipients(found.count)} in the queue {keep} a stricter requirement than these settings ask; "
            "to list and relax, apply again with --relax-queued"
        )
    return {"stricter_in_queue": found.count}


def _show(found: list[Relaxation]) -> None:
    if not found:
        say("nothing in the queue keeps a stricter requirement than these settings ask")
        return
    rows = [(f"{one.id}/{one.number}", one.sender or "<>", one.recipient, str(one.old), str(one.new)) for one in found]
    show_table(("Queue id", "Sender", "Recipient", "Keeps", "Asked now"), rows)


def _recipients(count: int) -> str:
    return f"{count:,} recipient" + ("" if count == 1 else "s")
