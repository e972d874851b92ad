"""Queue entries and evidence, as a node would have them."""

from percorso.core.evidence.record import Evidence, Parties, TargetTried, TlsFacts
from percorso.core.tls.requirement import ENCRYPTED
from percorso.ports.evidence import StoredEvidence
from percorso.ports.queue import QueueEntry

QUEUE_ID = "4RtqVb0001k"

GOOD_TLS = TlsFacts(
    version="1.3",
    cipher="TLS_AES_256_GCM_SHA384",
    reference_name="mx1.bank.test",
    trusted=True,
    name_matches=True,
    subject="CN=mx1.bank.test",
    issuer="CN=Test CA",
    names=("mx1.bank.test",),
    not_after=1_800_000_000.0,
    fingerprint="f1" * 32,
)


def waiting(
    *,
    number: int = 0,
    sender: str = "anna@corp.test",
    recipient: str = "bob@bank.test",
    reply: str = "",
    failure: str = "",
) -> QueueEntry:
    return QueueEntry(
        id=QUEUE_ID,
        number=number,
        sender=sender,
        recipient=recipient,
        state="queued",
        size=10_240,
        accepted_at=1_795_000_000.0,
        attempts=3,
        next_attempt=1_795_001_000.0,
        requirement=ENCRYPTED,
        last_reply=reply,
        last_failure=failure,
    )


def attempt(
    *,
    number: int = 1,
    queue_id: str = QUEUE_ID,
    status: str = "delivered",
    reply: str = "250 2.0.0 taken",
    tls: TlsFacts = GOOD_TLS,
    erased: bool = False,
) -> StoredEvidence:
    delivered = status == "delivered"
    evidence = Evidence(
        at=1_795_000_000.0 + 60 * number,
        node="mail1",
        queue_id=queue_id,
        attempt=number,
        status=status,
        recipient_domain="bank.test",
        accepted_at=1_795_000_000.0,
        size=10_240,
        requirement="encrypted, CA-signed certificate",
        reason="alternate-on-failure",
        rules=("tls_compliance/Partners need TLS", "alternate_secure_route/"),
        settings_version=3,
        route="direct" if delivered else "host encryptor",
        target="mx1.bank.test[192.0.2.1]:25",
        secure=delivered and bool(tls.version),
        tls=tls,
        failure="" if delivered else "certificate-expired",
        code=250 if delivered else 0,
        tried=()
        if delivered
        else (TargetTried(target="mx0.bank.test[192.0.2.9]:25", failure="starttls-not-supported"),),
        arrival_client="192.0.2.44",
        arrival_tls="TLSv1.3",
        queue_seconds=65.0,
    )
    parties = Parties(sender="anna@corp.test", recipient="bob@bank.test", reply=reply, salt="00")
    return StoredEvidence(
        chain="mail1/0", number=number, evidence=evidence, parties=None if erased else parties, hash="ab" * 32
    )
