"""Secure-transport failures as replies: the code and the sentence that stand for them while a message waits.

The enhanced codes are those of RFC 3463, 3.8: X.7.4 where the server lacks a security feature, X.7.5 where identity or
keys could not be proved, X.7.6 where the protocol is too old; X.7.30 is REQUIRETLS (RFC 8689, 5).
"""

from typing import Final

from percorso.core.delivery.wording.english import ENGLISH
from percorso.core.mail.reply import Reply
from percorso.core.tls.result import FailureType, SecureTransportFailure

_NOT_PROVED: Final = "7.5"
_CODES: Final = {
    FailureType.STARTTLS_NOT_SUPPORTED: "7.4",
    FailureType.TLS_VERSION_TOO_LOW: "7.6",
    FailureType.REQUIRETLS_NOT_SUPPORTED: "7.30",
}


def failure_reply(failure: SecureTransportFailure, server: str) -> Reply:
    """The transient reply that stands for the failure; `server` is the name of the server that failed."""
    sentence = ENGLISH.explanations[failure.type].cause.format(server=server).removesuffix(".")
    detail = f" ({failure.detail})" if failure.detail else ""
    return Reply(code=451, enhanced=f"4.{_CODES.get(failure.type, _NOT_PROVED)}", text=f"{sentence}{detail}")
