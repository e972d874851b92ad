"""Percorso as a server of the benchmark, with everything on.

A thousand rules, a list of a hundred thousand entries that holds the recipient, TLS required and proved on the way out,
an alternate secure route in reserve, and an evidence log that has been filled before.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.evidence import fill
from bench.servers import Running, Surroundings
from percorso.lab.bench import SINK_ADDRESS, ZONE, dns_in_background
from percorso.lab.load.measure import Progress
from percorso.lab.node import Node, NodePlan

ENTRIES = 100_000
ENCRYPTOR = "encryptor.bench.test"
COMPLIANCE_SETTINGS = 500
ROUTING_RULES = 500  # 200 by sender, 200 by recipient, 100 by header
_LISTS = 20

_HEAD = """\
[organization]
domains = ["corp.test"]

[[host]]
name = "encryptor"
primary = [{ address = "@ENCRYPTOR@", port = 2525, load = 100 }]

[[alternate_secure_route]]
host = "encryptor"
when = "on-failure"

[[address_list]]
name = "customers"
entries_file = "customers.csv"

[[tls_compliance]]
name = "Customers need TLS"
lists = ["customers"]
"""


def _lists() -> Iterator[str]:
    for number in range(_LISTS):
        entries = ", ".join(f'"partner{number}-{place}.test"' for place in range(50))
        yield f'[[address_list]]\nname = "partners {number}"\nentries = [{entries}]\n'


def _compliance() -> Iterator[str]:
    for number in range(COMPLIANCE_SETTINGS - 1):
        yield f'[[tls_compliance]]\nname = "Partner {number}"\nlists = ["partners {number % _LISTS}"]\n'


def _rules() -> Iterator[str]:
    for number in range(ROUTING_RULES):
        kind = number % 5
        if kind < 2:
            match = f'sender = "person{number}@corp.test"'
        elif kind < 4:
            match = f'recipient = ".branch{number}.test"'
        else:
            match = f'header = "Subject", contains = "[secret {number}]"'
        yield f'[[routing_rule]]\nname = "Rule {number}"\nmatch = {{ {match} }}\n'


def settings() -> str:
    """The document; its list is in `customers.csv` beside it."""
    return "\n".join([_HEAD.replace("@ENCRYPTOR@", ENCRYPTOR), *_lists(), *_compliance(), *_rules()])


def customers() -> str:
    """The list's entries, the recipient's domain in their midst."""
    entries = [f"customer{number}.test" for number in range(ENTRIES)]
    entries[ENTRIES // 2] = "bench.test"
    return "\n".join([*entries, ""])


class Percorso:
    """One node, started anew for every run; its store lives on, and what a run leaves behind is there in the next."""

    name = "Percorso"
    starttls = True

    def __init__(self, folder: Path, *, evidence_rows: int, workers: int, progress: Progress) -> None:
        self._folder = folder / "node"
        self._evidence_rows = evidence_rows
        self._workers = workers
        self._progress = progress

    @contextmanager
    def run(self, surroundings: Surroundings) -> Iterator[Running]:
        """The node; at the first time its evidence log is filled and its settings are applied."""
        first = not self._folder.exists()
        if first:
            self._prepare()
        with dns_in_background({**ZONE, (ENCRYPTOR, "A"): (SINK_ADDRESS,)}) as dns_port:
            node = Node(
                NodePlan(
                    folder=self._folder,
                    ca_file=surroundings.ca_file,
                    dns_port=dns_port,
                    delivery_port=surroundings.sink_port,
                    settings=settings() if first else "",
                    workers=self._workers,
                    concurrency=surroundings.connections,
                )
            )
            try:
                node.start()
                yield Running(port=node.port, process=node.process)
            finally:
                node.stop()

    def _prepare(self) -> None:
        self._folder.mkdir()
        (self._folder / "customers.csv").write_text(customers(), encoding="utf-8")
        fill(self._folder / "data", self._evidence_rows, self._progress)
