"""What every queue promises, on disk and in memory."""

import asyncio

import msgspec

from percorso.core.delivery.outcome import Status
from percorso.core.tls.requirement import OPPORTUNISTIC
from percorso.ports.queue import Claim, Queue, Settlement, StoreError
from tests.store.mail import (
    CONTENT,
    REQUIRED,
    Desk,
    Fate,
    ManualClock,
    accept,
    content_of,
    keep,
    new_message,
    settle,
    settlement,
)
from tests.store.places import Place


def open_with(place: Place, desk: Desk) -> Queue:
    queue = place.open()
    queue.attach(desk)
    return queue


def fates(place: Place) -> list[Fate]:
    return [(evidence.queue_id, parties.recipient, evidence.status) for evidence, parties in place.attempts()]


async def nothing_comes(queue: Queue, desk: Desk) -> None:
    """Two commits later, there is still no claim."""
    queue.wake()
    for _ in range(2):
        await settle(queue, Settlement(message_id="0" * 15, results=()))
    assert desk.claims == []


async def test_what_is_accepted_is_claimed_whole(place: Place) -> None:
    desk = Desk()
    queue = open_with(place, desk)
    message = await keep(queue, "bob@bank.test", "eve@shop.test")
    claim = await desk.next()
    assert claim.message.id == message.id
    assert claim.message.envelope == message.envelope
    assert claim.message.arrival == message.arrival
    assert [one.number for one in claim.recipients] == [0, 1]
    assert [one.recipient for one in claim.recipients] == [new.recipient for new in message.recipients]
    assert [one.kept for one in claim.recipients] == [REQUIRED, REQUIRED]
    assert [one.attempts for one in claim.recipients] == [0, 0]
    assert await content_of(claim) == CONTENT


async def test_the_answer_comes_before_the_claim(place: Place) -> None:
    seen: list[str] = []

    class Noting(Desk):
        def take(self, claims: object) -> None:
            seen.append("claim")

    queue = open_with(place, Noting())
    answered = asyncio.Event()

    def done(failure: StoreError | None) -> None:
        assert failure is None
        seen.append("answer")
        answered.set()

    queue.accept(new_message(queue), done)
    await asyncio.wait_for(answered.wait(), 10)
    await asyncio.sleep(0)
    assert seen == ["answer", "claim"]


async def test_ids_grow(place: Place) -> None:
    queue = place.open()
    ids = [queue.compose().id for _ in range(3000)]
    assert ids == sorted(set(ids))


async def test_nothing_is_claimed_before_somebody_delivers(place: Place) -> None:
    queue = place.open()
    message = await keep(queue)
    desk = Desk()
    queue.attach(desk)
    assert (await desk.next()).message.id == message.id


async def test_mail_waits_while_delivery_has_no_room(place: Place) -> None:
    desk = Desk(room=1)
    queue = open_with(place, desk)
    first = await keep(queue)
    second = await keep(queue)
    assert (await desk.next()).message.id == first.id
    await nothing_comes(queue, desk)
    desk.free = 1
    queue.wake()
    assert (await desk.next()).message.id == second.id


async def test_never_more_claims_than_room(place: Place) -> None:
    desk = Desk(room=5)
    queue = open_with(place, desk)
    answers = [asyncio.create_task(keep(queue)) for _ in range(20)]
    await asyncio.gather(*answers)
    for _ in range(5):
        await desk.next()
    assert desk.free == 0
    await nothing_comes(queue, desk)


async def test_never_more_claims_than_room_when_callbacks_accept(place: Place) -> None:
    """Reception reads on as soon as it has its answer, before delivery has its claim."""
    desk = Desk(room=2)
    queue = open_with(place, desk)
    ended = asyncio.Event()
    left = 6

    def done(failure: StoreError | None) -> None:
        nonlocal left
        left -= 1
        if left:
            queue.accept(new_message(queue), done)
        else:
            ended.set()

    queue.accept(new_message(queue), done)
    await asyncio.wait_for(ended.wait(), 10)
    for _ in range(2):
        await desk.next()
    assert desk.free == 0
    await nothing_comes(queue, desk)


async def test_a_backlog_is_claimed_as_room_comes(place: Place) -> None:
    queue = place.open()
    waiting = [(await keep(queue)).id for _ in range(10)]
    desk = Desk(room=3)
    queue.attach(desk)
    seen = []
    for _ in waiting:
        claim = await desk.next()
        seen.append(claim.message.id)
        await settle(queue, settlement(claim))
        desk.free += 1
        queue.wake()
    assert sorted(seen) == waiting


async def test_what_is_delivered_is_gone_with_its_evidence(place: Place) -> None:
    desk = Desk()
    queue = open_with(place, desk)
    message = await keep(queue)
    await settle(queue, settlement(await desk.next()))
    await place.crash()
    queue = open_with(place, desk)
    await nothing_comes(queue, desk)
    assert fates(place) == [(message.id, "bob@bank.test", "delivered")]


async def test_what_failed_is_gone_too(place: Place) -> None:
    desk = Desk()
    queue = open_with(place, desk)
    await keep(queue)
    await settle(queue, settlement(await desk.next(), Status.FAILED))
    await place.crash()
    await nothing_comes(open_with(place, desk), desk)


async def test_what_is_deferred_comes_back_when_it_is_due(place: Place, clock: ManualClock) -> None:
    desk = Desk()
    queue = open_with(place, desk)
    message = await keep(queue)
    await settle(queue, settlement(await desk.next(), Status.DEFERRED, next_attempt=clock.time + 300))
    clock.time += 299
    queue.wake()
    await nothing_comes(queue, desk)
    clock.time += 1
    queue.wake()
    claim = await desk.next()
    assert claim.message.id == message.id
    (recipient,) = claim.recipients
    assert (recipient.attempts, recipient.insecure_since) == (1, 1_800_000_000.5)
    assert recipient.recipient == message.recipients[0].recipient
    assert recipient.kept == REQUIRED
    assert claim.message.envelope == message.envelope
    assert claim.message.arrival == message.arrival
    assert await content_of(claim) == CONTENT


async def test_that_the_sender_was_told_of_the_delay_is_kept(place: Place, clock: ManualClock) -> None:
    desk = Desk()
    queue = open_with(place, desk)
    await keep(queue)
    claim = await desk.next()
    assert not claim.recipients[0].warned
    done = settlement(claim, Status.DEFERRED, next_attempt=clock.time + 1)
    told = tuple(msgspec.structs.replace(result, warned=True) for result in done.results)
    await settle(queue, msgspec.structs.replace(done, results=told))
    await place.crash()
    clock.time += 1
    open_with(place, desk)
    assert (await desk.next()).recipients[0].warned


async def test_an_uncertain_outcome_is_tried_again(place: Place, clock: ManualClock) -> None:
    desk = Desk()
    queue = open_with(place, desk)
    message = await keep(queue)
    await settle(queue, settlement(await desk.next(), Status.UNCERTAIN, next_attempt=clock.time + 1))
    clock.time += 1
    queue.wake()
    assert (await desk.next()).message.id == message.id
    assert fates(place) == [(message.id, "bob@bank.test", "uncertain")]


async def test_what_is_held_stays_and_is_never_tried(place: Place, clock: ManualClock) -> None:
    desk = Desk()
    queue = open_with(place, desk)
    message = await keep(queue, sender="")
    await settle(queue, settlement(await desk.next(), Status.HELD))
    clock.time += 10_000_000
    queue.wake()
    await nothing_comes(queue, desk)
    await place.crash()
    await nothing_comes(open_with(place, desk), desk)
    assert fates(place) == [(message.id, "bob@bank.test", "held")]


async def test_recipients_of_one_message_go_their_own_ways(place: Place, clock: ManualClock) -> None:
    desk = Desk()
    queue = open_with(place, desk)
    message = await keep(queue, "bob@bank.test", "eve@shop.test", "mia@club.test")
    claim = await desk.next()
    await settle(queue, settlement(claim, numbers=[0]))
    await settle(queue, settlement(claim, Status.DEFERRED, numbers=[1], next_attempt=clock.time + 60))
    await settle(queue, settlement(claim, Status.FAILED, numbers=[2]))
    clock.time += 60
    queue.wake()
    again = await desk.next()
    assert again.message.id == message.id
    assert [one.number for one in again.recipients] == [1]
    await settle(queue, settlement(again))
    assert fates(place) == [
        (message.id, "bob@bank.test", "delivered"),
        (message.id, "eve@shop.test", "deferred"),
        (message.id, "mia@club.test", "failed"),
        (message.id, "eve@shop.test", "delivered"),
    ]


async def test_recipients_due_together_come_in_one_claim(place: Place, clock: ManualClock) -> None:
    desk = Desk()
    queue = open_with(place, desk)
    await keep(queue, *(f"user{number}@bank.test" for number in range(30)))
    claim = await desk.next()
    later = [number for number in range(30) if number % 3]
    await settle(queue, settlement(claim, numbers=[number for number in range(30) if not number % 3]))
    await settle(queue, settlement(claim, Status.DEFERRED, numbers=later, next_attempt=clock.time + 60))
    clock.time += 61
    queue.wake()
    assert [one.number for one in (await desk.next()).recipients] == later


async def test_what_is_given_back_is_due_at_once(place: Place) -> None:
    desk = Desk()
    queue = open_with(place, desk)
    message = await keep(queue)
    queue.release(await desk.next())
    queue.wake()
    again = await desk.next()
    assert again.message.id == message.id
    assert again.recipients[0].attempts == 0
    assert fates(place) == []


async def test_what_is_given_back_for_later_waits(place: Place, clock: ManualClock) -> None:
    desk = Desk()
    queue = open_with(place, desk)
    message = await keep(queue)
    queue.release(await desk.next(), due=clock.time + 30)
    queue.wake()
    await nothing_comes(queue, desk)
    clock.time += 30
    queue.wake()
    assert (await desk.next()).message.id == message.id


async def test_notices_enter_with_the_settlement(place: Place) -> None:
    desk = Desk()
    queue = open_with(place, desk)
    message = await keep(queue)
    notice = new_message(queue, "a@corp.test", sender="", report_of=message.id)
    await settle(queue, settlement(await desk.next(), Status.FAILED, notices=(notice,)))
    claim = await desk.next()
    assert (claim.message.id, claim.message.report_of) == (notice.id, message.id)
    assert claim.message.envelope.sender is None
    await settle(queue, settlement(claim))
    await place.crash()
    await nothing_comes(open_with(place, desk), desk)


async def test_a_claim_found_at_recovery_is_uncertain_first(place: Place) -> None:
    desk = Desk()
    queue = open_with(place, desk)
    message = await keep(queue, "bob@bank.test", "eve@shop.test")
    await settle(queue, settlement(await desk.next(), numbers=[1]))
    await place.crash()

    queue = open_with(place, desk)
    claim = await desk.next()
    assert claim.message.id == message.id
    assert [(one.number, one.attempts) for one in claim.recipients] == [(0, 1)]
    assert fates(place) == [(message.id, "eve@shop.test", "delivered"), (message.id, "bob@bank.test", "uncertain")]
    evidence, _ = place.attempts()[1]
    assert (evidence.attempt, evidence.code, evidence.node) == (1, 0, "mail1")
    assert evidence.requirement == str(REQUIRED)


async def test_what_only_waited_is_not_uncertain(place: Place, clock: ManualClock) -> None:
    desk = Desk(room=1)
    queue = open_with(place, desk)
    first = await keep(queue)
    await settle(queue, settlement(await desk.next(), Status.DEFERRED, next_attempt=clock.time + 60))
    second = await keep(queue)
    await place.crash()
    desk = Desk()
    clock.time += 60
    queue = open_with(place, desk)
    assert {(await desk.next()).message.id for _ in range(2)} == {first.id, second.id}
    assert [status for _, _, status in fates(place)] == ["deferred"]


async def test_closing_leaves_open_claims_to_the_recovery(place: Place) -> None:
    desk = Desk()
    queue = open_with(place, desk)
    message = await keep(queue)
    await desk.next()
    await place.close()
    open_with(place, desk)
    assert (await desk.next()).message.id == message.id
    assert [status for _, _, status in fates(place)] == ["uncertain"]


async def test_nothing_is_accepted_after_closing(place: Place) -> None:
    queue = place.open()
    message = new_message(queue)
    await place.close()
    assert "the node is stopping" in str(await accept(queue, message))


async def test_every_kind_of_envelope_survives_a_restart(place: Place) -> None:
    queue = place.open()
    sent = [
        await keep(queue, sender=""),
        await keep(queue, "δοκιμή@bank.test", sender="josé@corp.test"),
        await keep(queue, '"odd one"@bank.test', "Bob@bank.test"),
    ]
    await place.crash()
    desk = Desk()
    open_with(place, desk)
    found: dict[str, Claim] = {}
    for _ in sent:
        claim = await desk.next()
        found[claim.message.id] = claim
    for message in sent:
        claim = found[message.id]
        assert claim.message.envelope == message.envelope
        assert [one.recipient for one in claim.recipients] == [new.recipient for new in message.recipients]


async def test_large_content_comes_back_in_order(place: Place) -> None:
    content = b"Subject: Large\r\n\r\n" + b"".join(b"%07d\r\n" % number for number in range(100_000))
    queue = place.open()
    message = await keep(queue, content=content)
    assert message.content.size == len(content)
    await place.crash()
    desk = Desk()
    queue = open_with(place, desk)
    claim = await desk.next()
    assert claim.message.content.size == len(content)
    assert claim.message.content.head() == b"Subject: Large\r\n"
    assert await content_of(claim) == content
    await settle(queue, settlement(claim))


async def test_a_callback_that_fails_does_not_stop_the_others(place: Place) -> None:
    queue = place.open()
    loop = asyncio.get_running_loop()
    told: list[object] = []
    loop.set_exception_handler(lambda _, context: told.append(context["exception"]))

    def fail(_: object) -> None:
        raise RuntimeError("a bug above")

    queue.accept(new_message(queue), fail)
    assert await accept(queue, new_message(queue)) is None
    assert [str(error) for error in told] == ["a bug above"]


async def test_what_a_change_of_settings_may_concern_is_due_again(place: Place, clock: ManualClock) -> None:
    desk = Desk()
    queue = open_with(place, desk)
    later = clock.time + 3600
    insecure, required, other = [await keep(queue, kept=kept) for kept in (OPPORTUNISTIC, REQUIRED, OPPORTUNISTIC)]
    claims = {claim.message.id: claim for claim in [await desk.next() for _ in range(3)]}
    await settle(queue, settlement(claims[insecure.id], Status.DEFERRED, next_attempt=later))
    for message in (required, other):
        unreachable = settlement(claims[message.id], Status.UNCERTAIN, next_attempt=later)
        await settle(queue, unreachable)
    queue.decide_again()
    assert {(await desk.next()).message.id for _ in range(2)} == {insecure.id, required.id}
    await nothing_comes(queue, desk)
