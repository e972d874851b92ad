"""What a worker counts of settlements and connections."""

import pytest

from percorso.core.delivery.outcome import Status
from percorso.core.evidence.record import Evidence, Parties, TlsFacts
from percorso.core.hosts.host import Target
from percorso.core.mail.reply import Reply
from percorso.metrics import catalogue
from percorso.metrics.board import Board
from percorso.metrics.catalogue import Family
from percorso.metrics.worker import Meter, MeteredDialer
from percorso.ports.dialer import ConnectFailed, Stream
from percorso.ports.queue import RecipientResult, Settlement

TARGET = Target(name="mx.bank.test", address="192.0.2.1")
TLS = TlsFacts(version="1.3")


def result(status: Status, *, route: str = "direct", alternate: bool = False, tls: TlsFacts = TLS) -> RecipientResult:
    evidence = Evidence(
        at=1.0, node="n", queue_id="q", attempt=1, status=status.value, recipient_domain="bank.test", route=route,
        alternate=alternate, secure=bool(tls.version), tls=tls, queue_seconds=0.2,
        failure="" if status is Status.DELIVERED else "certificate-expired",
    )  # fmt: skip
    parties = Parties(sender="", recipient="bob@bank.test", salt="")
    return RecipientResult(number=0, status=status, reply=Reply(code=250), evidence=evidence, parties=parties)


def counted(board: Board, family: Family) -> dict[str, float]:
    totals = {value: board.total(family.first + place) for place, value in enumerate(family.values)}
    return {value: total for value, total in totals.items() if total}


def test_settlements() -> None:
    board = Board(1)
    meter = Meter(board.part(0))
    delivered = (
        result(Status.DELIVERED),
        result(Status.DELIVERED, route="host relay"),
        result(Status.DELIVERED, route="host encryptor", alternate=True),
        result(Status.DELIVERED, tls=TlsFacts()),
    )
    meter.settled(Settlement(message_id="q", results=(*delivered, result(Status.DEFERRED))))
    assert counted(board, catalogue.RECIPIENTS) == {"delivered": 4, "deferred": 1}
    assert counted(board, catalogue.ROUTES) == {"direct": 2, "host": 1, "alternate": 1}
    assert counted(board, catalogue.SECURE) == {"tls": 3, "plaintext": 1}
    assert counted(board, catalogue.DELIVERY_TLS) == {"1.3": 3}
    assert counted(board, catalogue.FAILURES) == {"certificate-expired": 1}
    assert board.total(catalogue.QUEUE_SECONDS.first + 1) == 4  # up to 0.25 s


class UnreachableNetwork:
    """The `Dialer` port where nobody is at home."""

    async def connect(self, target: Target, *, timeout: float) -> Stream:
        raise ConnectFailed("refused")


async def test_connections() -> None:
    board = Board(1)
    with pytest.raises(ConnectFailed):
        await MeteredDialer(UnreachableNetwork(), board.part(0)).connect(TARGET, timeout=1)
    assert counted(board, catalogue.CONNECTIONS) == {"failed": 1}
