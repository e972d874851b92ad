"""The queue as reception and delivery see it, and as operators see it.

1. `accept` answers only when the message is on stable storage; so does `settle`.
2. Many calls share one commit; nothing here costs a task or a thread hop per message.
3. A claim is durable before delivery begins. A claim found at recovery is recorded as
   `uncertain` before its recipients are tried again.
4. Queue state and evidence change in one transaction.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Literal, Protocol

import msgspec

from percorso.core.delivery.outcome import Status
from percorso.core.evidence.record import Evidence, Parties
from percorso.core.mail.envelope import Arrival, Envelope, EnvelopeRecipient
from percorso.core.mail.reply import Reply
from percorso.core.tls.requirement import Requirement

State = Literal["queued", "claimed", "held"]


class StoreError(Exception):
    """Nothing was stored; the message tells an operator why. `full` is a full disk."""

    def __init__(self, text: str, *, full: bool = False) -> None:
        super().__init__(text)
        self.full = full


class Content(Protocol):
    """A message's header and body in wire form: dot-stuffed, CRLF, without the final dot."""

    @property
    def size(self) -> int:
        """Octets in wire form."""
        ...

    @property
    def inline(self) -> bytes | None:
        """The whole content where it is kept in memory and in the store, else None (spooled)."""
        ...

    def head(self) -> bytes:
        """The header section, or the first 256 KiB where it is longer."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The content in order, for streaming; at most 256 KiB a chunk."""
        ...


class ContentWriter(Protocol):
    """Takes a message's content as it arrives; above 256 KiB it goes to the spool."""

    @property
    def id(self) -> str:
        """The queue id that the message will have."""
        ...

    @property
    def size(self) -> int:
        """Octets written so far."""
        ...

    def write(self, chunk: bytes) -> None:
        """Append. Raises `StoreError` where the spool cannot take it; then only `discard` is left."""
        ...

    def finish(self) -> Content:
        """The content, to be handed to `accept`, which makes it durable."""
        ...

    def discard(self) -> None:
        """Forget what was written."""
        ...


class NewRecipient(msgspec.Struct, frozen=True, kw_only=True):
    """A recipient of a message to be accepted, with the requirement that it keeps."""

    recipient: EnvelopeRecipient
    kept: Requirement


class NewMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message to be accepted."""

    id: str
    envelope: Envelope
    recipients: tuple[NewRecipient, ...]
    arrival: Arrival
    accepted_at: float  # unix seconds
    content: Content
    report_of: str = ""
    """For a DSN of ours: the queue id of the message that it reports."""


class QueuedRecipient(msgspec.Struct, frozen=True, kw_only=True):
    """A recipient still in the queue."""

    number: int  # its place in the message, from 0
    recipient: EnvelopeRecipient
    kept: Requirement
    attempts: int = 0
    """Attempts made before this one."""
    insecure_since: float = 0.0
    """When the first typed secure-transport failure was seen, unix seconds; 0 is never."""
    warned: bool = False
    """The sender was told that it waits."""


class QueuedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message of the queue, without its recipients."""

    id: str
    envelope: Envelope
    arrival: Arrival
    accepted_at: float
    content: Content
    report_of: str = ""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """Recipients of one message that this worker may deliver now; durable before it is handed out."""

    message: QueuedMessage
    recipients: tuple[QueuedRecipient, ...]


class RecipientResult(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one claimed recipient, with the evidence of the attempt."""

    number: int
    status: Status
    reply: Reply
    next_attempt: float = 0.0
    """Unix seconds; for DEFERRED and UNCERTAIN."""
    insecure_since: float = 0.0
    warned: bool = False
    lost_host: str = ""
    """The configured host that was tried and none of whose servers answered about the message."""
    evidence: Evidence
    parties: Parties


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """The end of an attempt for some or all recipients of a claim, in one transaction.

    DELIVERED and FAILED recipients leave the queue; with the last one the message goes too.
    HELD ones stay, in state `held`, until an operator releases or deletes them.
    """

    message_id: str
    results: tuple[RecipientResult, ...]
    notices: tuple[NewMessage, ...] = ()
    """DSNs of ours that enter the queue in the same transaction."""


class Consumer(Protocol):
    """Delivery, as the queue sees it."""

    def room(self) -> int:
        """How many more claims delivery takes now."""
        ...

    def take(self, claims: Sequence[Claim]) -> None:
        """Claims, durable, to be delivered. Called on the event loop."""
        ...


class Queue(Protocol):
    """One worker's queue: its own shard, and those that it adopted."""

    def attach(self, consumer: Consumer) -> None:
        """Where claims go. What is accepted is claimed in the same commit while there is room."""
        ...

    def compose(self) -> ContentWriter:
        """Begin a message: gives it its queue id."""
        ...

    def accept(self, message: NewMessage, done: Callable[[StoreError | None], None]) -> None:
        """Keep the message; `done(None)` on the event loop once it is on stable storage."""
        ...

    def settle(self, settlement: Settlement, done: Callable[[], None]) -> None:
        """End an attempt; tried again by itself until it is on stable storage, then `done()`."""
        ...

    def release(self, claim: Claim, *, due: float = 0.0) -> None:
        """Give recipients back that were not tried, without evidence: due at once, or at `due` (unix seconds)."""
        ...

    def wake(self) -> None:
        """Delivery has room again: claim what is due."""
        ...

    def decide_again(self) -> None:
        """The settings changed: what waits after an attempt that they had a part in is due soon, in portions.

        That is what must travel securely, what failed to, and what waits for a host.
        """
        ...

    @property
    def busy(self) -> bool:
        """Whether so much waits for a commit that reception ought to pause reading."""
        ...

    async def close(self) -> None:
        """Commit what waits, give back claims that were not handed out yet, and close.

        A claim that delivery neither settled nor released stays: whether it was tried only the next opening can
        record, as `uncertain`.
        """
        ...


class QueueEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One recipient in the queue, as operators see it."""

    id: str
    number: int
    sender: str
    recipient: str
    state: State
    size: int
    accepted_at: float
    attempts: int
    next_attempt: float
    requirement: Requirement | None
    """None where it cannot be read."""
    last_reply: str = ""
    last_failure: str = ""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Recipients of one message that are queued or held, all that a decision asks for."""

    message: QueuedMessage
    recipients: tuple[QueuedRecipient, ...]


class Relaxation(msgspec.Struct, frozen=True, kw_only=True):
    """A recipient that is to keep a weaker requirement than it was accepted under."""

    id: str
    number: int
    sender: str
    recipient: str
    old: Requirement
    new: Requirement


class QueueFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries; empty fields match everything."""

    id: str = ""
    sender: str = ""  # an address or a domain
    recipient: str = ""  # an address or a domain
    state: str = ""
    failure: str = ""  # a typed secure-transport failure


class QueueDesk(Protocol):
    """The queue as operators work on it: all shards of the node, from any process."""

    def entries(self, which: QueueFilter, *, after: str = "", limit: int = 100) -> Iterator[QueueEntry]:
        """Entries ordered by id and number; `after` is the last one seen, as "ID/NUMBER"."""
        ...

    def count(self, which: QueueFilter) -> int:
        """How many entries match."""
        ...

    def retry(self, which: QueueFilter, *, now: float) -> int:
        """Make matching queued entries due now; returns how many."""
        ...

    def hold(self, which: QueueFilter) -> int:
        """Keep matching queued entries from being tried until they are released; returns how many."""
        ...

    def release(self, which: QueueFilter, *, now: float) -> int:
        """Make matching held entries queued and due now; returns how many."""
        ...

    def required(self) -> Iterator[Waiting]:
        """Every message with the recipients, queued or held, that keep a requirement."""
        ...

    def relax(self, which: Sequence[Relaxation], *, now: float) -> int:
        """Have recipients keep the new requirement, and those queued due now; returns how many.

        Those that are being delivered at this moment, or no longer keep the old one, stay as they are.
        """
        ...

    def delete(self, which: QueueFilter) -> int:
        """Remove matching queued and held entries for good, and messages with their last one; returns how many."""
        ...
