"""`percorso queue list | show | retry | hold | release | delete`."""

import sys
import time
from collections.abc import Callable
from typing import Annotated, Final

import msgspec
import typer

from percorso.cli.log_view import show_attempts
from percorso.cli.node import ConfigOption, JsonOption, LimitOption, YesOption, stores
from percorso.cli.output import complain, moment, say, show_facts, show_table, size, span, write_json
from percorso.cli.starters import Starters
from percorso.core.tls.result import FailureType
from percorso.operations import queue as operations
from percorso.operations.actor import operating_system_user
from percorso.ports.queue import QueueEntry, QueueFilter, State

SenderOption = Annotated[str, typer.Option("--from", metavar="WHO", help="An address or a domain of the sender.")]
RecipientOption = Annotated[str, typer.Option("--to", metavar="WHO", help="An address or a domain of the recipient.")]
FailureOption = Annotated[
    FailureType | None,
    typer.Option(metavar="TYPE", show_default=False, help="A typed failure, such as certificate-expired."),
]
IdArgument = Annotated[str, typer.Argument(metavar="QUEUE_ID", show_default=False, help="As logs and lists show it.")]


def add(app: typer.Typer, starters: Starters) -> None:
    """Add the verb."""
    queue = typer.Typer(help="Mail that waits: what, since when and why.", no_args_is_help=True)
    app.add_typer(queue, name="queue")
    _add_list(queue, starters)
    _add_show(queue, starters)
    for action in _ACTIONS:
        _add_action(queue, starters, action)


def _add_list(queue: typer.Typer, starters: Starters) -> None:
    @queue.command("list")
    def list_(  # noqa: PLR0913 (the options of one verb)
        *,
        sender: SenderOption = "",
        to: RecipientOption = "",
        failure: FailureOption = None,
        state: Annotated[
            State | None,
            typer.Option(metavar="STATE", show_default=False, help="queued, claimed (being delivered) or held."),
        ] = None,
        after: Annotated[str, typer.Option(metavar="ID/NUMBER", help="Go on after this entry.")] = "",
        limit: LimitOption = 100,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """List recipients in the queue.

        Example: percorso queue list --to bank.test --failure starttls-not-supported
        """
        which = QueueFilter(sender=sender, recipient=to, failure=failure or "", state=state or "")
        listing = operations.list_entries(stores(starters, config).queue(), which, after=after, limit=limit)
        if json:
            write_json(listing)
            return
        now = time.time()
        columns = ("Queue id", "Sender", "Recipient", "Waits>", "Tries>", "Next", "Why")
        show_table(columns, [_row(entry, now) for entry in listing.entries])
        left = listing.total - len(listing.entries)
        if left > 0 and listing.entries:
            last = listing.entries[-1]
            say(f"{left} more; go on with --after {last.id}/{last.number}, or narrow it with --from, --to or --failure")


def _add_show(queue: typer.Typer, starters: Starters) -> None:
    @queue.command()
    def show(queue_id: IdArgument, config: ConfigOption = None, json: JsonOption = False) -> None:
        """Show one message that waits: its recipients, what they require, and every attempt so far.

        Example: percorso queue show 4RtqVb0001k
        """
        node = stores(starters, config)
        story = operations.show(node.queue(), node.evidence(), queue_id)
        if json:
            write_json(story)
        elif story.entries:
            for entry in story.entries:
                _show_entry(entry)
            show_attempts(story.attempts)
        if not story.entries:
            if not json:
                complain(f"percorso: {queue_id} is not in the queue; see `percorso log show {queue_id}`")
            raise typer.Exit(1)


class _Action(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is done to what a filter matches."""

    name: str
    help: str
    act: Callable[..., int]
    question: str
    done: str
    nothing: str


_ACTIONS: Final = (
    _Action(
        name="retry",
        help="Try again now: one message, what a filter matches, or all. Exit code 1 where nothing matches.\n\n"
        "Example: percorso queue retry --to bank.test",
        act=operations.retry,
        question="Try {} recipients again now?",
        done="{} recipients are due now",
        nothing="nothing that waits matches",
    ),
    _Action(
        name="hold",
        help="Keep mail in the queue from being tried until it is released. Exit code 1 where nothing matches.\n\n"
        "Example: percorso queue hold --from scanner@corp.test",
        act=operations.hold,
        question="Hold {} recipients?",
        done="{} recipients are held",
        nothing="nothing that waits matches",
    ),
    _Action(
        name="release",
        help="Let mail that is held be tried again, at once and decided afresh. Exit code 1 where nothing matches.\n\n"
        "Example: percorso queue release 4RtqVb0001k",
        act=operations.release,
        question="Release {} recipients?",
        done="{} recipients are due now",
        nothing="nothing that is held matches",
    ),
    _Action(
        name="delete",
        help="Remove mail from the queue for good. Nobody is notified; the audit log names every recipient. What is "
        "being delivered at this moment stays. Exit code 1 where nothing matches.\n\n"
        "Example: percorso queue delete --to typo.test",
        act=operations.delete,
        question="Delete {} recipients for good? Nobody will be notified.",
        done="{} recipients are deleted",
        nothing="nothing that waits or is held matches",
    ),
)


def _add_action(queue: typer.Typer, starters: Starters, action: _Action) -> None:
    @queue.command(action.name, help=action.help)
    def act(  # noqa: PLR0913 (the options of one verb)
        *,
        queue_id: Annotated[str, typer.Argument(metavar="QUEUE_ID", show_default=False, help="One message.")] = "",
        sender: SenderOption = "",
        to: RecipientOption = "",
        failure: FailureOption = None,
        every: Annotated[bool, typer.Option("--all", help="Everything.")] = False,
        yes: YesOption = False,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        which = QueueFilter(id=queue_id, sender=sender, recipient=to, failure=failure or "")
        if (which == QueueFilter()) != every:
            raise typer.BadParameter("give a queue id, --from, --to or --failure; or --all alone, for everything")
        node = stores(starters, config)
        if not queue_id and not yes and not json:
            _confirm(action.question.format(node.queue().count(which)))
        count = action.act(node.queue(), node.audit(), which, actor=operating_system_user(), now=time.time())
        if json:
            write_json({"recipients": count})
        else:
            say(action.done.format(count) if count else action.nothing)
        raise typer.Exit(0 if count else 1)


def _confirm(question: str) -> None:
    if sys.stdin.isatty() and not typer.confirm(question, err=True):
        raise typer.Exit(1)


def _row(entry: QueueEntry, now: float) -> tuple[str | int, ...]:
    waits = span(now - entry.accepted_at)
    coming = "now" if entry.next_attempt <= now else f"in {span(entry.next_attempt - now)}"
    due = entry.state if entry.state != "queued" else coming
    why = entry.last_failure or entry.last_reply
    return entry.id, entry.sender or "<>", entry.recipient, waits, entry.attempts, due, why


def _show_entry(entry: QueueEntry) -> None:
    say(f"{entry.id}/{entry.number}  {entry.sender or '<>'} → {entry.recipient}", "bold")
    facts = [
        ("state", entry.state),
        ("size", size(entry.size)),
        ("accepted", moment(entry.accepted_at)),
        ("requirement", str(entry.requirement or "cannot be read")),
        ("attempts", str(entry.attempts)),
        ("next attempt", moment(entry.next_attempt)),
        ("last failure", entry.last_failure),
        ("last reply", entry.last_reply),
    ]
    show_facts(facts, indent=2)
