"""Evidence as people read it: a table of attempts, and one message's story as a timeline."""

from collections.abc import Sequence
from typing import Final

from percorso.cli.output import Cell, moment, say, show_facts, show_table, size, span
from percorso.core.evidence.record import Evidence, TlsFacts
from percorso.ports.evidence import StoredEvidence

_ERASED: Final = "(erased)"
_STYLES: Final = {"delivered": "green", "deferred": "yellow", "failed": "red", "uncertain": "magenta", "held": "red"}


def show_found(records: Sequence[StoredEvidence]) -> None:
    """A line for each attempt."""
    columns = ("When", "Queue id", "Sender", "Recipient", "Status", "How", "To", "Failure or reply")
    show_table(columns, [_row(record) for record in records])


def show_story(records: Sequence[StoredEvidence]) -> None:
    """All attempts for one message, the oldest first."""
    first = records[0].evidence
    sender = next((record.parties.sender or "<>" for record in records if record.parties), _ERASED)
    say(f"{first.queue_id}  from {sender}, {size(first.size)}", "bold")
    came = f" from {first.arrival_client}" if first.arrival_client else ""
    leg = f"over {first.arrival_tls}" if first.arrival_tls else "in plaintext"
    say(f"{moment(first.accepted_at)}  accepted{came} {leg}")
    show_attempts(records)


def show_attempts(records: Sequence[StoredEvidence]) -> None:
    """Each attempt with its decision, its TLS facts and its reply."""
    for record in records:
        _show_attempt(record)


def _row(record: StoredEvidence) -> tuple[Cell, ...]:
    evidence, parties = record.evidence, record.parties
    sender = (parties.sender or "<>") if parties else _ERASED
    recipient = parties.recipient if parties else f"{_ERASED}@{evidence.recipient_domain}"
    outcome = evidence.failure or (parties.reply if parties else "") or f"{evidence.code} {evidence.enhanced}"
    return (
        moment(evidence.at),
        evidence.queue_id,
        sender,
        recipient,
        evidence.status,
        how(evidence),
        evidence.target,
        outcome,
    )


def how(evidence: Evidence) -> str:
    """How the last leg travelled: "TLS 1.3", "PLAINTEXT" where it was delivered so, and over which host."""
    over = evidence.route.removeprefix("host ") if evidence.route != "direct" else ""
    if evidence.status == "delivered" and not evidence.secure:
        leg = "PLAINTEXT"
    else:
        leg = f"TLS {evidence.tls.version}" if evidence.tls.version else ""
    return " ".join(part for part in (leg, f"over {over}" if over else "") if part)


def _show_attempt(record: StoredEvidence) -> None:
    evidence, parties = record.evidence, record.parties
    recipient = parties.recipient if parties else f"{_ERASED}@{evidence.recipient_domain}"
    head = f"{moment(evidence.at)}  attempt {evidence.attempt} for {recipient}: {evidence.status}"
    say(" ".join(part for part in (head, how(evidence)) if part), _STYLES.get(evidence.status, ""))
    for tried in evidence.tried:
        what = tried.failure or tried.reply
        say(f"    tried {tried.target}{' (alternate)' if tried.alternate else ''}: {what}")
    facts = [
        ("to", evidence.target),
        ("route", evidence.route + (", the alternate secure route" if evidence.alternate else "")),
        ("requirement", evidence.requirement),
        ("decided", _decided(evidence)),
        *_tls(evidence.tls),
        ("failure", evidence.failure),
        ("reply", (parties.reply if parties else "") or f"{evidence.code} {evidence.enhanced}".strip(" 0")),
        ("in the queue", span(evidence.queue_seconds) if evidence.queue_seconds else ""),
        ("evidence", f"{record.chain} number {record.number}, {record.hash[:16]}…"),
    ]
    show_facts(facts, indent=4)


def _decided(evidence: Evidence) -> str:
    rules = f" by {', '.join(evidence.rules)}" if evidence.rules else ""
    return f"{evidence.reason}{rules} (settings version {evidence.settings_version}, unit {evidence.unit})"


def _tls(tls: TlsFacts) -> list[tuple[str, str]]:
    if not tls.version:
        return [("TLS", "none")]
    trust = "signed by a trusted CA" if tls.trusted else f"NOT trusted: {tls.verify_error or 'unknown CA'}"
    name = "names" if tls.name_matches else "does NOT name"
    names = f" (but {', '.join(tls.names)})" if tls.names and not tls.name_matches else ""
    return [
        ("TLS", f"{tls.version}, {tls.cipher}{', weak' if tls.weak else ''}"),
        ("certificate", f"{trust}; {name} {tls.reference_name}{names}; valid until {moment(tls.not_after)}"),
        ("subject", f"{tls.subject}, issued by {tls.issuer}"),
        ("fingerprint", tls.fingerprint),
    ]
