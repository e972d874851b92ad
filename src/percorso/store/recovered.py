"""What recovery says of a claim that it finds: its delivery may have been under way, and nobody knows how it ended."""

import secrets
from typing import Final

import msgspec

from percorso.core.delivery.outcome import Status
from percorso.core.evidence.record import Evidence, Parties
from percorso.core.mail.address import Address
from percorso.core.mail.envelope import Arrival, Envelope
from percorso.core.tls.requirement import Requirement

INTERRUPTED: Final = "the delivery was interrupted before its outcome was stored"


class Interrupted(msgspec.Struct, frozen=True, kw_only=True):
    """A recipient that was claimed when its worker ended."""

    message_id: str
    envelope: Envelope
    arrival: Arrival
    accepted_at: float
    size: int
    address: Address
    attempts: int  # made before the one that was interrupted
    requirement: Requirement | None
    """That it keeps; None where it cannot be read."""

    def evidence(self, node: str, now: float) -> tuple[Evidence, Parties]:
        """The record of the interrupted attempt."""
        evidence = Evidence(
            at=now,
            node=node,
            queue_id=self.message_id,
            attempt=self.attempts + 1,
            status=Status.UNCERTAIN,
            recipient_domain=self.address.domain,
            accepted_at=self.accepted_at,
            size=self.size,
            requirement=str(self.requirement) if self.requirement else "",
            arrival_client=self.arrival.client,
            arrival_tls=self.arrival.tls_version,
            queue_seconds=max(0.0, now - self.accepted_at),
        )
        parties = Parties(
            sender=str(self.envelope.sender or ""),
            recipient=str(self.address),
            reply=INTERRUPTED,
            salt=secrets.token_hex(16),
        )
        return evidence, parties
