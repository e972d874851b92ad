"""Fill an evidence log, as years of mail would."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from percorso.core.evidence.record import Evidence, Parties, TlsFacts
from percorso.lab.load.measure import Progress
from percorso.store import layout
from percorso.store.files import FILES
from percorso.store.sqlite.connection import create_database, transaction
from percorso.store.sqlite.evidence_writer import EvidenceWriter
from percorso.store.sqlite.index_writer import IndexWriter
from percorso.store.sqlite.migrate import migrate, migrations

NODE = "gateway.corp.test"
_FIRST = 1_790_000_000.0  # unix seconds of the oldest record
_BATCH = 5000  # rows of one transaction

_TLS = TlsFacts(
    version="1.3", cipher="TLS_AES_256_GCM_SHA384", trusted=True, name_matches=True, subject="CN=mx",
    issuer="CN=Some CA", names=("mx.customer.test",), not_after=1_900_000_000.0, fingerprint="ab" * 32, spki="cd" * 32,
)  # fmt: skip
_EVIDENCE = Evidence(
    at=0.0, node=NODE, queue_id="", attempt=1, status="delivered", recipient_domain="", size=10_240,
    requirement="encrypted, TLS 1.2 or later, CA-signed certificate, certificate for the host",
    reason="alternate-on-failure", rules=("tls_compliance/Customers need TLS", "alternate_secure_route/"),
    settings_version=1, route="direct", target="mx.customer.test[192.0.2.1]:25", secure=True, tls=_TLS, code=250,
    enhanced="2.0.0", arrival_client="192.0.2.7", arrival_tls="1.3", queue_seconds=0.05,
)  # fmt: skip


def _attempts(first: int, count: int) -> Iterator[tuple[Evidence, Parties]]:
    for number in range(first, first + count):
        domain = f"customer{number % 100_000}.test"
        at = _FIRST + number
        evidence = msgspec.structs.replace(
            _EVIDENCE, at=at, accepted_at=at, queue_id=f"{number:012X}", recipient_domain=domain
        )
        recipient = f"person{number % 37}@{domain}"
        yield evidence, Parties(sender="source@corp.test", recipient=recipient, salt=f"{number:016x}")


def fill(data_dir: Path, rows: int, progress: Progress) -> None:
    """Put that many records into the first shard of a new data directory, in its own format, chained and indexed."""
    shard = layout.shard_directory(data_dir, 0)
    shard.mkdir(parents=True, mode=0o700)
    connection = create_database(layout.queue_database(shard))
    migrate(connection, migrations("queue"))
    connection.pragma("synchronous", "off")  # nothing is lost if this is cut short: it begins anew
    writer = EvidenceWriter(connection, f"{NODE}/0")
    for first in range(0, rows, _BATCH):
        with transaction(connection):
            writer.append(list(_attempts(first, min(_BATCH, rows - first))))
        writer.commit()
        progress(min(first + _BATCH, rows), rows)
    connection.close()
    index = IndexWriter(shard, files=FILES, pause=lambda _: None)
    while index.build_next():
        pass
    index.close()
