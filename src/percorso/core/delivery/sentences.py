"""Secure-transport failures in words and codes that a sender understands without our logs.

The enhanced codes are those of RFC 3463, 3.8: X.7.4 where the server lacks a security feature, X.7.5 where identity or
keys could not be proved, X.7.6 where the protocol is too old; X.7.30 is REQUIRETLS (RFC 8689, 5).
"""

from typing import Final

from percorso.core.mail.reply import Reply
from percorso.core.tls.result import FailureType, SecureTransportFailure

_WORDS: Final[dict[FailureType, tuple[str, str]]] = {
    FailureType.STARTTLS_NOT_SUPPORTED: ("7.4", "The mail server {server} does not offer an encrypted connection"),
    FailureType.TLS_HANDSHAKE_FAILURE: ("7.5", "No encrypted connection to the mail server {server} could be set up"),
    FailureType.TLS_VERSION_TOO_LOW: (
        "7.6",
        "The mail server {server} speaks only an outdated version of the encryption protocol TLS",
    ),
    FailureType.CERTIFICATE_NOT_TRUSTED: (
        "7.5",
        "The mail server {server} could not prove its identity: no trusted authority signed its certificate",
    ),
    FailureType.CERTIFICATE_HOST_MISMATCH: (
        "7.5",
        "The mail server {server} could not prove its identity: its certificate belongs to another name",
    ),
    FailureType.CERTIFICATE_EXPIRED: (
        "7.5",
        "The mail server {server} could not prove its identity: its certificate is out of date",
    ),
    FailureType.STS_MX_MISMATCH: (
        "7.5",
        "The mail server {server} is not one that the recipient's domain names in its security policy (MTA-STS)",
    ),
    FailureType.STS_CERTIFICATE_INVALID: (
        "7.5",
        "The mail server {server} has no valid certificate, which the recipient's domain requires (MTA-STS)",
    ),
    FailureType.DANE_REQUIRED: (
        "7.5",
        "The keys of the mail server {server} are required to be published in DNS (DANE), and none could be used",
    ),
    FailureType.DANE_MISMATCH: (
        "7.5",
        "The mail server {server} shows another key than the recipient's domain publishes for it (DANE)",
    ),
    FailureType.TLSA_INVALID: (
        "7.5",
        "What the recipient's domain publishes about the keys of the mail server {server} is not valid (DANE)",
    ),
    FailureType.DNSSEC_INVALID: (
        "7.5",
        "The DNS records about the mail server {server} carry invalid signatures (DNSSEC)",
    ),
    FailureType.REQUIRETLS_NOT_SUPPORTED: (
        "7.30",
        "The mail server {server} cannot promise encryption all the way, which the sender asked for (REQUIRETLS)",
    ),
}


def sentence(failure: SecureTransportFailure, server: str) -> str:
    """The failure in one sentence; `server` is the name of the server that failed."""
    return f"{_WORDS[failure.type][1].format(server=server)}."


def failure_reply(failure: SecureTransportFailure, server: str) -> Reply:
    """The transient reply that stands for the failure while the message waits."""
    code, words = _WORDS[failure.type]
    detail = f" ({failure.detail})" if failure.detail else ""
    return Reply(code=451, enhanced=f"4.{code}", text=f"{words.format(server=server)}{detail}")
