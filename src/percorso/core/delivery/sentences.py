"""What each secure-transport failure is called in replies and notices (RFC 3463; RFC 7817 and 8689 for the codes)."""

from percorso.core.mail.reply import Reply
from percorso.core.tls.result import FailureType, SecureTransportFailure


def sentence(failure: FailureType, server: str) -> str:
    """The failure in words that a sender without our logs understands; `server` is the receiving server's name."""
    raise NotImplementedError


def failure_reply(failure: SecureTransportFailure, server: str) -> Reply:
    """The transient reply (4.7.x) that stands for the failure; at expiry it becomes permanent (`bounced`)."""
    raise NotImplementedError


def bounced(reply: Reply) -> Reply:
    """A transient reply as the permanent one with which a recipient whose time is up goes back."""
    raise NotImplementedError
