"""The work in hand: how much of the queue delivery has taken, and when it takes more."""

from collections import Counter
from collections.abc import Callable, Hashable
from typing import Final

import msgspec

from percorso.delivery.options import DeliveryOptions
from percorso.ports.queue import Claim

_SPOOLED: Final = 256 * 1024  # octets of a spooled message in memory while it streams
_RECIPIENT: Final = 512  # octets, roughly
_ROOM_PER_CLAIM: Final = 32 * 1024  # octets kept free for each claim that is asked for


class Held(msgspec.Struct, kw_only=True):
    """A claim in hand."""

    claim: Claim
    octets: int
    open: int
    """Recipients that are neither settled nor given back."""

    @property
    def owner(self) -> Hashable:
        """The account that submitted it, else the sender."""
        message = self.claim.message
        return message.arrival.account or message.envelope.sender


class WorkInHand:
    """Counts claims and octets, and calls `wake` when there is room again."""

    def __init__(self, options: DeliveryOptions, wake: Callable[[], None]) -> None:
        self._max_claims = options.max_claims
        self._max_octets = options.max_bytes
        self._wake = wake
        self._claims = 0
        self._octets = 0
        self._shares: Counter[Hashable] = Counter()
        self._was_full = False
        self._closed = False

    @property
    def empty(self) -> bool:
        """Whether nothing is in hand."""
        return not self._claims

    def room(self) -> int:
        """How many more claims."""
        if self._closed:
            return 0
        by_octets = (self._max_octets - self._octets) // _ROOM_PER_CLAIM
        return max(0, min(self._max_claims - self._claims, by_octets))

    def take(self, claim: Claim) -> Held:
        """One more claim."""
        inline = claim.message.content.inline
        octets = (_SPOOLED if inline is None else len(inline)) + _RECIPIENT * len(claim.recipients)
        self._claims += 1
        self._octets += octets
        self._was_full = self._was_full or not self.room()
        held = Held(claim=claim, octets=octets, open=len(claim.recipients))
        self._shares[held.owner] += 1
        return held

    def share(self, owner: Hashable) -> int:
        """How many claims in hand are one owner's."""
        return self._shares[owner]

    def done(self, held: Held, recipients: int) -> None:
        """So many of its recipients are settled or given back."""
        held.open -= recipients
        if held.open:
            return
        self._claims -= 1
        self._octets -= held.octets
        if self._shares[held.owner] > 1:
            self._shares[held.owner] -= 1
        else:
            del self._shares[held.owner]
        if self._was_full and self.room() >= max(1, self._max_claims // 4):
            self._was_full = False
            self._wake()

    def close(self) -> None:
        """No room from now on."""
        self._closed = True
