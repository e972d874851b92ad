"""What follows an attempt: retries, time running out, notices, what nobody can be told, and stops."""

import asyncio
import logging

import pytest

from percorso.core.delivery.outcome import Status
from percorso.core.tls.requirement import Requirement
from percorso.ports.queue import NewMessage, QueuedRecipient
from tests.network.credential import SELF_SIGNED, Credential
from tests.network.peer import Fault, Peer, Step
from tests.proof.scenery import Scenery, settings
from tests.proof.settings_in_memory import document

BOB = "bob@bank.test"
EVE = "eve@shop.test"
DAY = 86_400.0
INBOUND = """
[[host]]
name = "mailstore"
primary = [{ address = "store.corp.test" }]
require_ca = false
validate_hostname = false
"""


def notices(scene: Scenery) -> list[NewMessage]:
    return [message for message in scene.site.ledger.accepted.values() if message.report_of]


def queued(scene: Scenery, queue_id: str) -> QueuedRecipient:
    return scene.site.shard.recipients[queue_id, 0].queued


async def test_a_deferral_is_tried_again_when_it_is_due_and_not_before() -> None:
    scene = Scenery()
    server = Peer("mx.shop.test", script={Step.RCPT: ["451 4.3.0 later"]})
    scene.domain("shop.test", server)
    await scene.deliver(EVE)
    first = scene.site.ledger.last(EVE)
    assert first.status is Status.DEFERRED
    assert 240 <= first.next_attempt - first.evidence.at <= 360
    await scene.site.later(200)
    assert len(scene.site.ledger.results) == 1
    await scene.site.later(200)
    second = scene.site.ledger.last(EVE)
    assert (second.status, second.evidence.attempt) == (Status.DELIVERED, 2)
    await scene.site.close()


async def test_the_first_typed_failure_starts_the_clock() -> None:
    scene = Scenery()
    scene.domain("bank.test", Peer("mx.bank.test", credential=None))
    queue_id = await scene.deliver(BOB)
    since = scene.site.ledger.last(BOB).insecure_since
    await scene.site.later(3600)
    assert scene.site.ledger.last(BOB).evidence.attempt == 2
    assert scene.site.ledger.last(BOB).insecure_since == since
    assert queued(scene, queue_id).insecure_since == since
    await scene.site.later(DAY)
    last = scene.site.ledger.last(BOB)
    assert (last.status, last.evidence.failure) == (Status.FAILED, "starttls-not-supported")
    await scene.site.close()


async def test_other_deferrals_last_longer() -> None:
    scene = Scenery()
    scene.domain("shop.test", Peer("mx.shop.test", script={Step.DIAL: Fault.DROP}))
    await scene.deliver(EVE)
    await scene.site.later(2 * DAY)
    assert scene.site.ledger.last(EVE).status is Status.DEFERRED
    await scene.site.later(3 * DAY)
    assert scene.site.ledger.last(EVE).status is Status.FAILED
    await scene.site.close()


async def test_a_failure_is_told_to_the_sender() -> None:
    scene = Scenery()
    scene.domain("shop.test", Peer("mx.shop.test", script={Step.RCPT: "550 5.1.1 nobody here"}))
    queue_id = await scene.deliver(EVE, "zoe@shop.test")
    (told,) = scene.own.accepted
    assert (told.sender, told.recipients) == ("", ("a@corp.test",))
    for part in (b"eve@shop.test", b"zoe@shop.test", b"nobody here", queue_id.encode(), b"5.1.1"):
        assert part in told.content
    assert b"Hello." not in told.content
    (notice,) = notices(scene)
    assert notice.report_of == queue_id
    assert notice.recipients[0].kept == Requirement()
    await scene.site.close()


async def test_only_who_failed_is_reported() -> None:
    scene = Scenery()
    scene.domain("shop.test", Peer("mx.shop.test", recipients={EVE: "550 5.1.1 nobody here"}))
    await scene.deliver(EVE, "zoe@shop.test")
    (told,) = scene.own.accepted
    assert b"eve@shop.test" in told.content
    assert b"zoe@shop.test" not in told.content
    await scene.site.close()


async def test_a_notice_inherits_the_requirement_and_waits_rather_than_leak() -> None:
    scene = Scenery()
    scene.domain("bank.test", Peer("mx.bank.test", script={Step.RCPT: "550 5.1.1 nobody here"}))
    scene.own.credential = None
    await scene.deliver(BOB)
    (notice,) = notices(scene)
    assert notice.recipients[0].kept.encrypted
    assert scene.own.accepted == []
    told = scene.site.ledger.last("a@corp.test")
    assert (told.status, told.evidence.failure) == (Status.DEFERRED, "starttls-not-supported")
    scene.own.credential = SELF_SIGNED
    await scene.site.later(3600)
    assert scene.own.accepted == []
    await scene.site.close()


async def test_a_notice_that_cannot_be_delivered_is_held_and_an_operator_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scene = Scenery()
    scene.domain("bank.test", Peer("mx.bank.test", script={Step.RCPT: "550 5.1.1 nobody here"}))
    scene.own.credential = None
    await scene.deliver(BOB)
    await scene.site.later(3600)
    await scene.site.later(DAY)
    (notice,) = notices(scene)
    assert scene.site.ledger.last("a@corp.test").status is Status.HELD
    assert scene.site.shard.recipients[notice.id, 0].state == "held"
    assert scene.own.accepted == []
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 1
    assert notice.id in errors[0].getMessage()
    await scene.site.later(10 * DAY)
    assert len(notices(scene)) == 1
    await scene.site.close()


async def test_mail_from_the_null_sender_is_held_too() -> None:
    scene = Scenery()
    scene.domain("shop.test", Peer("mx.shop.test", script={Step.RCPT: "550 5.1.1 nobody here"}))
    queue_id = await scene.deliver(EVE, sender="")
    assert scene.site.shard.recipients[queue_id, 0].state == "held"
    assert notices(scene) == []
    await scene.site.close()


async def test_a_typed_failure_warns_after_its_time_once_and_bounces_after_its_expiry() -> None:
    scene = Scenery()
    scene.domain("bank.test", Peer("mx.bank.test", credential=None))
    queue_id = await scene.deliver(BOB)
    for _ in range(7):
        await scene.site.later(500)
    assert notices(scene) == []
    await scene.site.later(100)  # an hour after the first failure, to the second
    (warning,) = scene.own.accepted
    assert b"Action: delayed" in warning.content
    assert b"Status: 4.7.4" in warning.content
    assert queued(scene, queue_id).warned
    for _ in range(22):
        await scene.site.later(3600)
    assert len(scene.own.accepted) == 1
    await scene.site.later(2 * 3600)
    _, bounce = scene.own.accepted
    assert b"Action: failed" in bounce.content
    assert b"Status: 5.7.4" in bounce.content
    await scene.site.close()


async def test_other_delays_are_told_after_four_hours() -> None:
    scene = Scenery()
    scene.domain("shop.test", Peer("mx.shop.test", script={Step.DIAL: Fault.DROP}))
    await scene.deliver(EVE)
    for _ in range(47):
        await scene.site.later(300)
    assert scene.own.accepted == []
    await scene.site.later(300)
    (warning,) = scene.own.accepted
    assert b"Action: delayed" in warning.content
    await scene.site.later(3 * DAY)
    assert len(scene.own.accepted) == 1
    await scene.site.close()


async def test_who_asked_not_to_be_told_is_not() -> None:
    scene = Scenery()
    scene.domain("shop.test", Peer("mx.shop.test", script={Step.DIAL: Fault.DROP}))
    await scene.deliver(EVE, notify=("NEVER",))
    for _ in range(6):
        await scene.site.later(DAY)
    assert scene.site.ledger.last(EVE).status is Status.FAILED
    assert notices(scene) == []
    await scene.site.close()


@pytest.mark.parametrize(("extensions", "told"), [(("PIPELINING",), 1), (("PIPELINING", "DSN"), 0)])
async def test_success_is_told_where_the_next_server_does_not(extensions: tuple[str, ...], told: int) -> None:
    scene = Scenery()
    scene.domain("shop.test", Peer("mx.shop.test", extensions=extensions))
    await scene.deliver(EVE, notify=("SUCCESS",))
    await scene.deliver("ann@shop.test")
    assert len(scene.own.accepted) == told
    assert all(b"Action: relayed" in notice.content for notice in scene.own.accepted)
    await scene.site.close()


async def test_notices_go_to_the_inbound_host_under_both_requirements() -> None:
    scene = Scenery()
    own = settings().replace("[organization]", '[organization]\ninbound_host = "mailstore"')
    scene.site.settings.apply(document(own + INBOUND))
    scene.domain("bank.test", Peer("mx.bank.test", script={Step.RCPT: "550 5.1.1 nobody here"}))
    scene.domain("shop.test", Peer("mx.shop.test", script={Step.RCPT: "550 5.1.1 nobody here"}))
    store = scene.network.add(Peer("store.corp.test", credential=SELF_SIGNED))
    await scene.deliver(EVE)
    assert len(store.accepted) == 1  # the host's own options ask for encryption only
    await scene.deliver(BOB)
    assert len(store.accepted) == 1  # the reported message had to prove more
    last = scene.site.ledger.last("a@corp.test")
    assert (last.status, last.evidence.failure) == (Status.DEFERRED, "certificate-not-trusted")
    assert last.evidence.reason == "inbound-host"
    assert scene.own.accepted == []
    await scene.site.close()


async def test_a_host_that_does_not_answer_is_remembered() -> None:
    scene = Scenery("required")
    scene.gateway.script = {Step.DIAL: Fault.DROP}
    await scene.deliver(BOB)
    assert scene.site.ledger.last(BOB).lost_host == "encryptor"
    scene.gateway.script = {}
    await scene.site.later(3600)
    last = scene.site.ledger.last(BOB)
    assert (last.status, last.lost_host) == (Status.DELIVERED, "")
    await scene.site.close()


async def test_uncertain_is_tried_again_and_ends_with_its_time() -> None:
    scene = Scenery()
    scene.domain("shop.test", Peer("mx.shop.test", script={Step.CONTENT: Fault.TAKE_AND_DROP}))
    await scene.deliver(EVE)
    await scene.site.later(3600)
    assert [result.status for result in scene.site.ledger.results] == [Status.UNCERTAIN] * 2
    await scene.site.later(5 * DAY)
    assert scene.site.ledger.results[2].status is Status.FAILED
    assert len(scene.own.accepted) == 1
    await scene.site.close()


async def test_a_stricter_setting_and_a_better_route_apply_to_queued_mail() -> None:
    scene = Scenery()
    server = Peer("mx.bank.test", credential=None)
    scene.domain("bank.test", server)
    await scene.deliver(BOB)
    scene.site.settings.apply(document(settings("on-failure")))
    await scene.site.later(3600)
    assert scene.gateway.accepted[0].recipients == (BOB,)
    assert scene.site.ledger.last(BOB).evidence.settings_version == 2
    await scene.site.close()


async def test_a_weaker_setting_does_not_apply_to_queued_mail() -> None:
    scene = Scenery()
    server = Peer("mx.bank.test", credential=None)
    scene.domain("bank.test", server)
    await scene.deliver(BOB)
    scene.site.settings.apply(document('[organization]\ndomains = ["corp.test"]\n'))
    await scene.site.later(3600)
    assert scene.site.ledger.last(BOB).status is Status.DEFERRED
    assert server.accepted == []
    await scene.site.close()


async def test_a_mail_loop_bounces_without_a_connection() -> None:
    scene = Scenery()
    server = Peer("mx.shop.test")
    scene.domain("shop.test", server)
    await scene.deliver(EVE, subject="x" + "\r\nReceived: from a by b" * 51)
    result = scene.site.ledger.last(EVE)
    assert (result.status, result.reply.enhanced, result.evidence.reason) == (Status.FAILED, "5.4.6", "mail-loop")
    assert server.connections == 0
    await scene.site.close()


async def test_the_evidence_of_a_delivery() -> None:
    scene = Scenery()
    scene.domain("bank.test", Peer("mx.bank.test"))
    queue_id = await scene.deliver(BOB)
    result = scene.site.ledger.last(BOB)
    evidence = result.evidence
    assert (evidence.node, evidence.queue_id, evidence.attempt, evidence.status) == ("mail1", queue_id, 1, "delivered")
    assert (evidence.requirement, evidence.reason) == (
        "encrypted, TLS 1.2 or later, CA-signed certificate, certificate for the host",
        "required-direct",
    )
    assert (evidence.settings_version, evidence.unit, evidence.recipient_domain) == (1, "/", "bank.test")
    assert (evidence.code, evidence.enhanced, evidence.arrival_client) == (250, "2.0.0", "192.0.2.1")
    assert evidence.target.startswith("mx.bank.test[198.51.")
    assert (evidence.tls.trusted, evidence.tls.name_matches) == (True, True)
    parties = result.parties
    assert (parties.sender, parties.recipient, parties.message_id) == ("a@corp.test", BOB, "<1@corp.test>")
    assert parties.reply == "250 2.0.0 taken"
    assert len(parties.salt) == 32
    await scene.site.close()


# Crowds and stops


async def test_a_dead_destination_does_not_take_all_the_room() -> None:
    scene = Scenery(concurrency=2, max_claims=10)
    dead = Peer("mx.bank.test", script={Step.DIAL: Fault.DROP})
    scene.domain("bank.test", dead)
    alive = Peer("mx.shop.test")
    scene.domain("shop.test", alive)
    crowd = [f"user{number}@bank.test" for number in range(40)]
    await asyncio.gather(*[scene.site.submit(recipient) for recipient in (*crowd, EVE)])
    await scene.site.run()
    ledger = scene.site.ledger
    assert ledger.released > 0
    assert alive.accepted
    for _ in range(100):
        await scene.site.later(15)
    tried = [result for result in ledger.results if result.parties.recipient != EVE]
    assert 5 < len(tried) < 20, "the probes alone"
    dead.script = {}
    for _ in range(100):
        await scene.site.later(60)
    delivered = [result.parties.recipient for result in ledger.results if result.status is Status.DELIVERED]
    assert sorted(delivered) == sorted([*crowd, EVE])
    assert ledger.wrong == []
    await scene.site.close()


async def test_more_than_there_is_room_for_is_delivered_in_the_end() -> None:
    scene = Scenery(concurrency=2, max_claims=4)
    server = Peer("mx.shop.test")
    scene.domain("shop.test", server)
    await asyncio.gather(*[scene.site.submit(f"user{number}@shop.test") for number in range(30)])
    async with asyncio.timeout(10):
        while len(server.accepted) < 30:
            await scene.site.later(15)
    assert scene.site.ledger.wrong == []
    assert len(server.accepted) == 30
    await scene.site.close()


async def test_a_stop_gives_back_what_was_not_begun_and_lets_the_rest_end() -> None:
    scene = Scenery(concurrency=1)
    server = Peer("mx.shop.test")
    scene.domain("shop.test", server)
    await asyncio.gather(*[scene.site.submit(f"user{number}@shop.test") for number in range(5)])
    await scene.site.agent.stop(grace=5.0)
    ledger = scene.site.ledger
    assert ledger.claimed == {}
    assert ledger.wrong == []
    assert len(ledger.results) + ledger.released == 5
    assert len(server.accepted) == len(ledger.results)
    assert all(wire.closed for wire in scene.network.wires)
    assert scene.site.agent.room() == 0
    await scene.site.close()


async def test_an_error_of_ours_keeps_the_message(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scenery()
    server = Peer("mx.shop.test")
    scene.domain("shop.test", server)
    dial = scene.network.connect
    scene.network.connect = _broken  # type: ignore[method-assign, assignment]
    await scene.deliver(EVE)
    result = scene.site.ledger.last(EVE)
    assert (result.status, result.reply.enhanced) == (Status.DEFERRED, "4.3.0")
    assert "a bug" in caplog.text
    scene.network.connect = dial  # type: ignore[method-assign]
    await scene.site.later(3600)
    assert scene.site.ledger.last(EVE).status is Status.DELIVERED
    await scene.site.close()


async def _broken(*_: object, **__: object) -> None:
    raise ZeroDivisionError("a bug")


async def test_the_log_tells_how_it_went_and_never_the_content(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    scene = Scenery()
    forged = Credential(names=("x\nQ1: to=<eve@shop.test>, status=delivered",))
    scene.domain("shop.test", Peer("mx.shop.test", script={Step.CONTENT: "250 2.0.0 taken\x1b[31m"}))
    scene.domain("bank.test", Peer("mx.bank.test", credential=forged))
    await scene.deliver(BOB)
    queue_id = await scene.deliver(EVE, body="The secret text.")
    refused, line = [record.getMessage() for record in caplog.records if record.name == "percorso.delivery"]
    assert "status=deferred" in refused
    assert "\n" not in refused
    for part in (queue_id, "to=<eve@shop.test>", "route=direct", "mx.shop.test[198.51.", "tls=1.3", "status=delivered"):
        assert part in line
    assert "secret" not in caplog.text
    assert "\x1b" not in line
    await scene.site.close()
