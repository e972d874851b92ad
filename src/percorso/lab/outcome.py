"""What became of each message: as the evidence tells it, as the servers saw it, and as it ought to be."""

from collections.abc import Iterator, Sequence

import msgspec

from percorso.core.delivery.outcome import Status
from percorso.lab.expectations import EXPECTED, REQUIRED, SETTINGS, Fate, Kind, Setting
from percorso.lab.receiver import Notebook, SeenEnvelope, SeenMessage
from percorso.lab.scenery import ENCRYPTOR, MAILSTORE, Destination
from percorso.ports.evidence import StoredEvidence


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One message: a destination under a setting."""

    destination: Destination
    setting: Setting

    @property
    def name(self) -> str:
        """The value of its X-Trial field."""
        return f"{self.setting.domain}/{self.destination.domain}"

    @property
    def recipient(self) -> str:
        """Whom it goes to."""
        return f"bruno@{self.destination.domain}"

    @property
    def expected(self) -> Fate:
        """What the contract says."""
        return EXPECTED[self.destination.name][SETTINGS.index(self.setting)]


class CellResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a cell's message, and what is wrong with that."""

    cell: Cell
    fate: Fate  # as the evidence tells it
    queue_id: str
    problems: tuple[str, ...]


def cells(destinations: Sequence[Destination]) -> list[Cell]:
    """All messages of the trial, row by row."""
    return [Cell(destination=destination, setting=setting) for destination in destinations for setting in SETTINGS]


def fate_of(records: Sequence[StoredEvidence]) -> Fate:
    """What the newest record of a message says."""
    if not records:
        return Fate(kind=Kind.NOTHING)
    evidence = max(records, key=lambda record: record.evidence.at).evidence
    if evidence.status == Status.DELIVERED:
        if not evidence.secure:
            return Fate(kind=Kind.PLAINTEXT)
        return Fate(kind=Kind.ALTERNATE if evidence.alternate else Kind.TLS)
    kind = Kind.BOUNCED if evidence.status == Status.FAILED else Kind.WAITING
    return Fate(kind=kind, why=evidence.failure or evidence.enhanced)


def judge_cell(cell: Cell, records: Sequence[StoredEvidence], notebook: Notebook) -> CellResult:
    """Hold evidence, servers and contract together."""
    fate = fate_of(records)
    problems = [] if fate == cell.expected else [f"the contract says: {cell.expected}"]
    problems += _against_servers(cell, fate, notebook)
    queue_id = records[0].evidence.queue_id if records else ""
    return CellResult(cell=cell, fate=fate, queue_id=queue_id, problems=tuple(problems))


def _against_servers(cell: Cell, fate: Fate, notebook: Notebook) -> Iterator[str]:
    """Where the servers saw something else than the evidence tells."""
    seen = [message for message in notebook.messages if message.trial == cell.name]
    copies = [message for message in seen if message.sender]
    reports = [message for message in seen if not message.sender]
    wanted = int(fate.kind in {Kind.TLS, Kind.PLAINTEXT, Kind.ALTERNATE})
    if len(copies) != wanted:
        yield f"the evidence tells of {wanted} deliveries, the servers took {len(copies)}"
    for copy in copies:
        yield from _against_copy(cell, fate, copy)
    wanted = int(fate.kind is Kind.BOUNCED)
    if len(reports) != wanted or any(report.server != MAILSTORE for report in reports):
        yield f"{wanted} notices to the sender were due, {len(reports)} came"


def _against_copy(cell: Cell, fate: Fate, copy: SeenMessage) -> Iterator[str]:
    places = (ENCRYPTOR,) if fate.kind is Kind.ALTERNATE else cell.destination.servers
    if copy.server not in places:
        yield f"{copy.server} took it, which the evidence does not tell"
    if copy.encrypted == (fate.kind is Kind.PLAINTEXT):
        yield f"{copy.server} took it {'over TLS' if copy.encrypted else 'in PLAINTEXT'}"


def leaks(notebook: Notebook) -> list[str]:
    """Envelopes and messages that ought never to have been seen in plaintext."""
    seen: list[SeenEnvelope | SeenMessage] = [*notebook.envelopes, *notebook.messages]
    plain = ((one.server, one.sender) for one in seen if not one.encrypted and one.sender in REQUIRED)
    return [f"{server} saw mail of {sender} in PLAINTEXT" for server, sender in dict.fromkeys(plain)]
