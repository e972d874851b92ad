"""What recovery says of a claim that it finds: its delivery may have been under way, and nobody knows how it ended."""

import secrets
from typing import Final

from percorso.core.delivery.outcome import Status
from percorso.core.evidence.record import Evidence, Parties
from percorso.core.mail.address import Address
from percorso.store.queue_id import queue_id
from percorso.store.sqlite import codec
from percorso.store.sqlite.connection import Row

RECOVERED: Final = "the delivery was interrupted before its outcome was stored"


class Recovery:
    """One opening of a shard: the time of it, and the node that it is opened by."""

    def __init__(self, node: str, now: float) -> None:
        self.now = now
        self._node = node

    def evidence(self, row: Row) -> tuple[Evidence, Parties]:
        """From message, number, local, domain, attempts, accepted_at, size, meta of a claimed recipient."""
        message, _, local, domain, attempts, accepted_at, size, meta = row
        envelope, arrival = codec.read_meta(meta)
        evidence = Evidence(
            at=self.now,
            node=self._node,
            queue_id=queue_id(message),
            attempt=attempts + 1,
            status=Status.UNCERTAIN,
            recipient_domain=domain,
            accepted_at=accepted_at,
            size=size,
            arrival_client=arrival.client,
            arrival_tls=arrival.tls_version,
            queue_seconds=max(0.0, self.now - accepted_at),
        )
        parties = Parties(
            sender=str(envelope.sender or ""),
            recipient=str(Address(local=local, domain=domain)),
            reply=RECOVERED,
            salt=secrets.token_hex(16),
        )
        return evidence, parties
