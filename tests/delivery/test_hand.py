"""The work in hand: how much room there is, and that the queue is told when there is room again."""

from percorso.core.mail.address import parse_address
from percorso.core.mail.envelope import Arrival, EnvelopeRecipient
from percorso.core.tls.requirement import OPPORTUNISTIC
from percorso.delivery.hand import WorkInHand
from percorso.delivery.options import DeliveryOptions
from percorso.ports.queue import Claim, QueuedMessage, QueuedRecipient
from tests.delivery.messages import MemoryContent, envelope

KIB = 1024


class Hand:
    """Work in hand, and how often the queue was woken."""

    def __init__(self, *, max_claims: int = 8, max_bytes: int = 64 * KIB * KIB) -> None:
        self.woken = 0
        options = DeliveryOptions(node="n", hello_name="n.test", max_claims=max_claims, max_bytes=max_bytes)
        self.work = WorkInHand(options, self._wake)

    def _wake(self) -> None:
        self.woken += 1


def claim(*, octets: int = 100, recipients: int = 1, spooled: bool = False) -> Claim:
    message = QueuedMessage(
        id="Q1",
        envelope=envelope(),
        arrival=Arrival(client="192.0.2.1", helo="pc", listener="127.0.0.1:2525"),
        accepted_at=1.0,
        content=MemoryContent(b"x" * octets, chunk=1 if spooled else 0),
    )
    to = EnvelopeRecipient(address=parse_address("b@bank.test"))
    queued = tuple(QueuedRecipient(number=number, recipient=to, kept=OPPORTUNISTIC) for number in range(recipients))
    return Claim(message=message, recipients=queued)


def test_room_is_counted_in_claims() -> None:
    hand = Hand(max_claims=8)
    held = [hand.work.take(claim()) for _ in range(8)]
    assert hand.work.room() == 0
    hand.work.done(held[0], 1)
    assert hand.work.room() == 1
    assert not hand.work.empty


def test_and_in_octets() -> None:
    hand = Hand(max_bytes=KIB * KIB)
    assert hand.work.room() == 8
    hand.work.take(claim(octets=960 * KIB))
    assert hand.work.room() == 1
    hand.work.take(claim(octets=960 * KIB))
    assert hand.work.room() == 0


def test_a_spooled_message_counts_what_streams_of_it() -> None:
    hand = Hand(max_bytes=KIB * KIB)
    hand.work.take(claim(octets=50 * KIB * KIB, spooled=True))
    assert hand.work.room() == 7


def test_a_claim_is_in_hand_until_its_last_recipient_is_done() -> None:
    hand = Hand()
    held = hand.work.take(claim(recipients=3))
    hand.work.done(held, 2)
    before = hand.work.empty
    hand.work.done(held, 1)
    assert (before, hand.work.empty, hand.work.room()) == (False, True, 8)


def test_the_queue_is_woken_once_when_there_is_room_again_after_there_was_none() -> None:
    hand = Hand(max_claims=8)
    held = [hand.work.take(claim()) for _ in range(8)]
    hand.work.done(held[0], 1)
    assert hand.woken == 0
    for one in held[1:]:
        hand.work.done(one, 1)
    assert hand.woken == 1


def test_a_queue_that_found_room_is_not_woken() -> None:
    hand = Hand(max_claims=8)
    hand.work.done(hand.work.take(claim()), 1)
    assert hand.woken == 0


def test_no_room_and_no_waking_once_it_is_closed() -> None:
    hand = Hand(max_claims=1)
    held = hand.work.take(claim())
    hand.work.close()
    hand.work.done(held, 1)
    assert hand.work.room() == 0
    assert hand.woken == 0
