"""Every secure-transport failure has a code, and a sentence that stands for it."""

import pytest

from percorso.core.delivery.sentences import failure_reply
from percorso.core.tls.result import FailureType, SecureTransportFailure


@pytest.mark.parametrize("kind", list(FailureType))
def test_every_failure_is_a_transient_reply_that_names_the_server(kind: FailureType) -> None:
    reply = failure_reply(SecureTransportFailure(type=kind, detail="seen on the wire"), "mx1.bank.test")
    assert reply.transient
    assert reply.enhanced.startswith("4.7.")
    assert "mx1.bank.test" in reply.text
    assert reply.text.endswith("(seen on the wire)")


def test_requiretls_has_its_own_code() -> None:
    failure = SecureTransportFailure(type=FailureType.REQUIRETLS_NOT_SUPPORTED)
    assert failure_reply(failure, "mx").enhanced == "4.7.30"  # RFC 8689, 5
