"""DKIM: the signature that a message leaves with, for domains that have a key (RFC 6376).

1. Signed is mail of the organization's senders whose From field is of a domain with a key. Mail for our own inbound
   host is not: what strangers send there under our name must not come to look like ours.
2. Each attempt signs anew, as the last thing that happens to a message; what is kept in the queue has no signature.
3. A message streams through the hash in a thread, so that its size costs no memory and nobody else waits for it.
4. A key that cannot be used defers: unsigned, the mail might be refused for good.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import lru_cache
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from percorso.core.mail.dkim import BodyHash, signature_field
from percorso.core.mail.headers import find_fields, from_addresses
from percorso.core.mail.reply import Reply
from percorso.core.policy.decision import Reason
from percorso.core.policy.settings import SigningKey
from percorso.delivery.job import Job
from percorso.lookups.facts import MAX_HEAD
from percorso.ports.clock import Clock
from percorso.ports.queue import Content, StoreError

MIN_BITS: Final = 1024  # RFC 8301, 3.2: verifiers take no shorter key


class NotSigned(Exception):
    """The signature that is due cannot be made; `reply` says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


class Signed:
    """A message's content with its signature on top."""

    __slots__ = ("_content", "_field", "inline", "size")

    def __init__(self, content: Content, field: bytes) -> None:
        self._content = content
        self._field = field
        self.inline: bytes | None = None if content.inline is None else field + content.inline
        self.size = len(field) + content.size

    def head(self) -> bytes:
        """The header section."""
        return self._field + self._content.head()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The content in order."""
        yield self._field
        async for chunk in self._content.chunks():
            yield chunk


class Signer:
    """Signs jobs. `secret` gives the named secrets of this node."""

    def __init__(self, secret: Callable[[str], bytes], clock: Clock) -> None:
        self._secret = secret
        self._clock = clock

    async def content(self, job: Job) -> Content:
        """The message as it is to leave. Raises `NotSigned`, and `StoreError` where it cannot be read."""
        content = job.message.content
        if not job.settings.signing:
            return content
        head = await asyncio.to_thread(content.head)
        key = signing_key(job, head)
        if key is None:
            return content
        body = BodyHash(skip=len(head) + 2)
        async for chunk in content.chunks():
            await asyncio.to_thread(body.update, chunk)
        return Signed(content, await asyncio.to_thread(self._field, head, body.digest(), key))

    def _field(self, head: bytes, body_hash: bytes, key: SigningKey) -> bytes:
        try:
            private = _private_key(self._secret(key.secret))
        except (LookupError, StoreError, ValueError) as error:
            # RFC 3463, 3.4: the system is not configured as it should be.
            text = f"the DKIM key of {key.domain} cannot be used: {error}"
            raise NotSigned(Reply(code=451, enhanced="4.3.5", text=text)) from None
        return signature_field(
            head,
            body_hash,
            domain=key.domain,
            selector=key.selector,
            at=int(self._clock.now()),
            sign=lambda octets: private.sign(octets, padding.PKCS1v15(), hashes.SHA256()),
        )


def signing_key(job: Job, head: bytes) -> SigningKey | None:
    """The key that a message is to be signed with: that of the one domain in its From field that has one."""
    settings = job.settings
    if job.decisions[0].reason is Reason.INBOUND_HOST or not settings.admits_sender(job.message.envelope.sender):
        return None
    if len(head) >= MAX_HEAD:  # perhaps not all of it
        return None
    domains = {
        address.rpartition("@")[2] for _, value in find_fields(head, ("from",)) for address in from_addresses(value)[0]
    }
    keys = [settings.signing[domain] for domain in domains if domain in settings.signing]
    return keys[0] if len(keys) == 1 else None


@lru_cache(maxsize=64)
def _private_key(pem: bytes) -> rsa.RSAPrivateKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("it is no private key in PEM, or one that is encrypted") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("it is no RSA key")  # noqa: TRY004 (a value of the operator's)
    if key.key_size < MIN_BITS:
        raise ValueError(f"{key.key_size} bits are too few; use 2048")
    return key
