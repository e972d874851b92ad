"""`kill -9` under load: every message that was acknowledged is accounted for, on both sides.

Numbered messages go in while workers, and now and then the whole node, are killed. Afterwards each acknowledged number
has arrived; and a number that arrived twice has evidence that says `uncertain`.
"""

import contextlib
import datetime
import os
import random
import re
import signal
import smtplib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from percorso.lab.bench import MX, SETTINGS, SINK_ADDRESS, ZONE, dns_in_background
from percorso.lab.certificates import Authority
from percorso.lab.load.measure import Ends, source_and_sink
from percorso.lab.load.message import RECIPIENT, SENDER, template
from percorso.lab.node import Node, NodePlan
from percorso.ports.evidence import EvidenceFilter
from percorso.ports.queue import QueueFilter
from percorso.store.sqlite.evidence_log import SqliteEvidenceLog
from percorso.store.sqlite.queue_desk import SqliteQueueDesk

KILLS = int(os.environ.get("PERCORSO_KILLS", "12"))
"""More of them is `make prove`'s business; a dozen shows that the harness works."""
PATIENCE = 60.0
MAX_NUMBERS = 200_000


class Sender(threading.Thread):
    """Hands in messages, each with a number of its own, and remembers which were acknowledged."""

    def __init__(self, port: int, numbers: Iterator[int], stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._numbers = numbers
        self._ending = stop
        self.acknowledged: list[int] = []

    def run(self) -> None:
        body = template(2000)
        while not self._ending.is_set():
            with (
                contextlib.suppress(OSError, smtplib.SMTPException),
                smtplib.SMTP("127.0.0.1", self._port, timeout=5) as c,
            ):
                while not self._ending.is_set():
                    number = next(self._numbers)
                    text = b"Message-ID: <%d@corp.test>\r\n%b%010d" % (number, body, number)
                    c.sendmail(SENDER, [RECIPIENT], text)
                    self.acknowledged.append(number)


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[tuple[Ends, Authority]]:
    authority = Authority(tmp_path, now=datetime.datetime.now(datetime.UTC))
    pair = authority.issue(MX)
    with source_and_sink(pair.certificate, pair.key, MAX_NUMBERS, address=SINK_ADDRESS) as made:
        yield made, authority


def workers(node: Node) -> list[int]:
    children = Path(f"/proc/{node.process}/task/{node.process}/children").read_text(encoding="ascii")
    return [int(pid) for pid in children.split()]


def kill_something(node: Node, chance: random.Random) -> None:
    """A worker; every fourth time the whole node, which then starts again."""
    if chance.random() < 0.25:
        os.kill(node.process, signal.SIGKILL)
        node.stop()
        node.start()
    elif found := workers(node):
        os.kill(chance.choice(found), signal.SIGKILL)


def until_delivered(data_dir: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    desk = SqliteQueueDesk(data_dir)
    while waiting := desk.count(QueueFilter()):
        assert time.monotonic() < deadline, (
            f"{waiting} recipients still wait: {list(desk.entries(QueueFilter(), limit=3))}"
        )
        desk.retry(QueueFilter(), now=time.time())
        time.sleep(0.1)


def uncertain_numbers(data_dir: Path) -> set[int]:
    """The numbers of messages with an uncertain attempt; the attempt that delivered tells the number."""
    records = list(SqliteEvidenceLog(data_dir).search(EvidenceFilter(), limit=MAX_NUMBERS))
    uncertain = {record.evidence.queue_id for record in records if record.evidence.status == "uncertain"}
    ids = [record.parties.message_id for record in records if record.parties and record.evidence.queue_id in uncertain]
    return {int(found[1]) for one in ids if (found := re.fullmatch(r"<(\d+)@corp\.test>", one))}


@pytest.mark.timeout(180)
def test_every_acknowledged_message_is_accounted_for(ends: tuple[Ends, Authority], tmp_path: Path) -> None:
    (sink, authority), chance, stop = ends, random.Random(20261123), threading.Event()
    numbers = iter(range(MAX_NUMBERS))
    with dns_in_background(ZONE) as dns_port:
        plan = NodePlan(
            folder=tmp_path, ca_file=authority.ca_file, dns_port=dns_port, delivery_port=sink.port, settings=SETTINGS,
            workers=2,
        )  # fmt: skip
        node = Node(plan)
        node.start()
        senders = [Sender(node.port, numbers, stop) for _ in range(6)]
        try:
            for sender in senders:
                sender.start()
            for _ in range(KILLS):
                time.sleep(chance.uniform(0.2, 0.9))
                kill_something(node, chance)
            stop.set()
            for sender in senders:
                sender.join(20)
            until_delivered(node.data_dir)
        finally:
            stop.set()
            node.stop()
    acknowledged = {number for sender in senders for number in sender.acknowledged}
    lost = acknowledged & set(sink.tally.lost(MAX_NUMBERS))
    silently_doubled = set(sink.tally.doubled()) - uncertain_numbers(node.data_dir)
    SqliteEvidenceLog(node.data_dir).verify()
    assert len(acknowledged) > 100
    assert not lost
    assert not silently_doubled
