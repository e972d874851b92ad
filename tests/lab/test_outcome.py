"""A cell is right only if evidence, servers and contract agree."""

import msgspec
import pytest

from percorso.core.evidence.record import Evidence, Parties
from percorso.lab.expectations import EXPECTED, SETTINGS, Fate, Kind
from percorso.lab.outcome import Cell, fate_of, judge_cell, leaks
from percorso.lab.receiver import Notebook, SeenEnvelope, SeenMessage
from percorso.lab.scenery import ENCRYPTOR, MAILSTORE, Destination
from percorso.ports.evidence import StoredEvidence

OPEN, REQUIRED, ALWAYS, FALLBACK = SETTINGS
GOOD = Destination(name="good certificate", domain="good.test", servers=("mx.good.test",))
UNKNOWN = Destination(name="unknown user (5xx)", domain="unknown.test", servers=("mx.unknown.test",))
DELIVERED = Evidence(
    at=1.0, node="n", queue_id="Q1", attempt=1, status="delivered", recipient_domain="good.test", secure=True
)
FAILED = msgspec.structs.replace(DELIVERED, status="failed", secure=False, code=550, enhanced="5.1.1")


def record(evidence: Evidence) -> StoredEvidence:
    parties = Parties(sender="s", recipient="r", salt="")
    return StoredEvidence(chain="n/0", number=1, evidence=evidence, parties=parties, hash="")


def taken(server: str, cell: Cell, *, encrypted: bool = True, sender: str = "anna@x.test") -> SeenMessage:
    return SeenMessage(server=server, sender=sender, trial=cell.name, encrypted=encrypted)


def problems(cell: Cell, evidence: Evidence | None, *messages: SeenMessage) -> tuple[str, ...]:
    notebook = Notebook()
    notebook.messages += messages
    return judge_cell(cell, [record(evidence)] if evidence else [], notebook).problems


CELL = Cell(destination=GOOD, setting=REQUIRED)


def test_all_three_agree() -> None:
    assert problems(CELL, DELIVERED, taken("mx.good.test", CELL)) == ()


def test_the_contract_is_broken() -> None:
    alternate = msgspec.structs.replace(DELIVERED, alternate=True)
    assert problems(CELL, alternate, taken(ENCRYPTOR, CELL)) == ("the contract says: over TLS",)


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        ((), "the servers took 0"),
        ((taken("mx.good.test", CELL), taken("mx.good.test", CELL)), "the servers took 2"),
        ((taken("mx.bad.test", CELL),), "mx.bad.test took it"),
        ((taken("mx.good.test", CELL, encrypted=False),), "in PLAINTEXT"),
        ((taken("mx.good.test", CELL), taken(MAILSTORE, CELL, sender="")), "0 notices to the sender were due, 1 came"),
    ],
    ids=["lost", "doubled", "elsewhere", "in plaintext", "needless notice"],
)
def test_the_servers_saw_something_else(messages: tuple[SeenMessage, ...], told: str) -> None:
    assert any(told in problem for problem in problems(CELL, DELIVERED, *messages))


def test_a_bounce_needs_its_notice() -> None:
    cell = Cell(destination=UNKNOWN, setting=OPEN)
    notice = taken(MAILSTORE, cell, sender="")
    assert problems(cell, FAILED, notice) == ()
    assert problems(cell, FAILED) == ("1 notices to the sender were due, 0 came",)


def test_no_evidence_is_a_problem() -> None:
    assert problems(CELL, None) == ("the contract says: over TLS",)


@pytest.mark.parametrize(
    ("changes", "fate"),
    [
        ({}, Fate(kind=Kind.TLS)),
        ({"secure": False}, Fate(kind=Kind.PLAINTEXT)),
        ({"alternate": True}, Fate(kind=Kind.ALTERNATE)),
        ({"alternate": True, "secure": False}, Fate(kind=Kind.PLAINTEXT)),
        ({"status": "deferred", "failure": "certificate-expired", "enhanced": "4.7.5"},
         Fate(kind=Kind.WAITING, why="certificate-expired")),
        ({"status": "deferred", "enhanced": "4.4.1"}, Fate(kind=Kind.WAITING, why="4.4.1")),
        ({"status": "failed", "enhanced": "5.1.1"}, Fate(kind=Kind.BOUNCED, why="5.1.1")),
    ],
)  # fmt: skip
def test_the_evidence_is_read(changes: dict[str, object], fate: Fate) -> None:
    assert fate_of([record(msgspec.structs.replace(DELIVERED, **changes))]) == fate


def test_a_leak_is_an_envelope_in_plaintext_of_a_sender_that_requires_tls() -> None:
    notebook = Notebook()
    notebook.envelopes += [
        SeenEnvelope(server="mx", sender=OPEN.sender, encrypted=False),
        SeenEnvelope(server="mx", sender=REQUIRED.sender, encrypted=True),
    ]
    assert leaks(notebook) == []
    notebook.envelopes.append(SeenEnvelope(server="mx", sender=FALLBACK.sender, encrypted=False))
    assert leaks(notebook) == [f"mx saw mail of {FALLBACK.sender} in PLAINTEXT"]


def test_the_contract_never_has_plaintext_where_tls_is_required() -> None:
    for row in EXPECTED.values():
        assert Kind.PLAINTEXT not in {fate.kind for fate in row[1:]}
        assert row[SETTINGS.index(ALWAYS)].kind is Kind.ALTERNATE
