"""What becomes of a message in each row of the contract: direct, over the alternate secure route, or waiting."""

import pytest

from percorso.core.delivery.outcome import Status
from percorso.core.tls.result import FailureType
from tests.network.credential import EXPIRED, GOOD, OLD_TLS, SELF_SIGNED, WRONG_NAME, Credential
from tests.network.peer import Action, Fault, Peer, Step
from tests.proof.scenery import Scenery

BOB = "bob@bank.test"
WHENS = ["", "required", "unlisted", "on-failure"]
STRIPPED = FailureType.STARTTLS_NOT_SUPPORTED


def mx(name: str = "mx.bank.test", script: dict[Step, Action] | None = None, **more: object) -> Peer:
    return Peer(name, script=dict(script or {}), **more)  # type: ignore[arg-type]


def plain(name: str = "mx.bank.test") -> Peer:
    return Peer(name, credential=None)


def down(name: str) -> Peer:
    return Peer(name, script={Step.DIAL: Fault.DROP})


# Nothing requires secure transport


@pytest.mark.parametrize("when", WHENS)
@pytest.mark.parametrize(
    ("server", "secure"),
    [
        (Peer("mx.shop.test"), True),
        (Peer("mx.shop.test", credential=SELF_SIGNED), True),
        (Peer("mx.shop.test", credential=OLD_TLS), True),
        (Peer("mx.shop.test", credential=None), False),
        (Peer("mx.shop.test", script={Step.STARTTLS: "454 4.7.0 not now"}), False),
        (Peer("mx.shop.test", script={Step.STARTTLS: "421 4.7.0 bye"}), False),
        (Peer("mx.shop.test", script={Step.HANDSHAKE: Fault.FAIL}), False),
        (Peer("mx.shop.test", script={Step.STARTTLS: Fault.DROP}), False),
        (Peer("mx.shop.test", inject=b"250 hello\r\n"), False),
        (Peer("mx.shop.test", script={Step.EHLO: "500 5.5.1 what?"}), False),
    ],
    ids=["tls", "self-signed", "old", "none", "454", "421", "handshake", "drop", "injection", "helo"],
)
async def test_opportunistic_goes_direct_over_tls_or_in_plaintext(when: str, server: Peer, *, secure: bool) -> None:
    scene = Scenery(when)
    server = Peer(server.name, credential=server.credential, script=server.script, inject=server.inject)
    scene.domain("shop.test", server)
    await scene.deliver("eve@shop.test")
    result = scene.site.ledger.last("eve@shop.test")
    assert result.status is Status.DELIVERED
    assert (result.evidence.route, result.evidence.secure) == ("direct", secure)
    assert server.accepted[0].handshake.encrypted is secure
    await scene.site.close()


async def test_the_certificate_is_judged_and_recorded_even_where_nothing_requires_it() -> None:
    scene = Scenery()
    scene.domain("shop.test", Peer("mx.shop.test", credential=WRONG_NAME))
    await scene.deliver("eve@shop.test")
    tls = scene.site.ledger.last("eve@shop.test").evidence.tls
    assert (tls.version, tls.trusted, tls.name_matches) == ("1.3", True, False)
    assert tls.subject == "CN=other.example"
    assert len(tls.fingerprint) == 64
    await scene.site.close()


# Required


async def test_required_without_a_route_goes_direct() -> None:
    scene = Scenery()
    scene.domain("bank.test", mx())
    await scene.deliver(BOB)
    evidence = scene.site.ledger.last(BOB).evidence
    assert (evidence.status, evidence.route, evidence.secure, evidence.alternate) == (
        "delivered",
        "direct",
        True,
        False,
    )
    assert evidence.rules == ("tls_compliance/Partners need TLS",)
    await scene.site.close()


@pytest.mark.parametrize(
    ("credential", "failure"),
    [
        (None, STRIPPED),
        (SELF_SIGNED, FailureType.CERTIFICATE_NOT_TRUSTED),
        (EXPIRED, FailureType.CERTIFICATE_EXPIRED),
        (WRONG_NAME, FailureType.CERTIFICATE_HOST_MISMATCH),
        (OLD_TLS, FailureType.TLS_VERSION_TOO_LOW),
    ],
)
async def test_required_without_a_route_waits_where_the_server_fails_it(
    credential: Credential | None, failure: FailureType
) -> None:
    scene = Scenery()
    scene.domain("bank.test", mx(credential=credential))
    await scene.deliver(BOB)
    result = scene.site.ledger.last(BOB)
    assert result.status is Status.DEFERRED
    assert result.evidence.failure == failure
    assert result.reply.enhanced.startswith("4.7.")
    assert result.insecure_since == result.evidence.at
    assert scene.network.accepted == []
    await scene.site.close()


async def test_when_required_all_such_mail_goes_over_the_alternate_host() -> None:
    scene = Scenery("required")
    scene.domain("bank.test", mx())
    scene.domain("shop.test", Peer("mx.shop.test"))
    await scene.deliver(BOB)
    await scene.deliver("eve@shop.test", subject="[secure] offer")
    assert [mail.recipients for mail in scene.gateway.accepted] == [(BOB,), ("eve@shop.test",)]
    assert all(e.alternate and e.route == "host encryptor" and e.secure for e in scene.site.ledger.evidence)
    await scene.site.close()


async def test_when_unlisted_a_listed_recipient_goes_direct_and_others_over_the_host() -> None:
    scene = Scenery("unlisted")
    direct = mx()
    scene.domain("bank.test", direct)
    scene.domain("shop.test", Peer("mx.shop.test"))
    await scene.deliver(BOB, "eve@shop.test", subject="[secure] offer")
    assert [mail.recipients for mail in direct.accepted] == [(BOB,)]
    assert [mail.recipients for mail in scene.gateway.accepted] == [("eve@shop.test",)]
    await scene.site.close()


async def test_when_unlisted_a_listed_recipient_without_tls_waits() -> None:
    scene = Scenery("unlisted")
    scene.domain("bank.test", plain())
    await scene.deliver(BOB)
    assert scene.site.ledger.last(BOB).status is Status.DEFERRED
    assert scene.gateway.connections == 0
    await scene.site.close()


# On failure

ON_FAILURE = {
    "one that offers TLS": ([mx("mx1")], "mx1", Status.DELIVERED),
    "one that strips it": ([plain("mx1")], "gw.corp.test", Status.DELIVERED),
    "one that strips it, one good": ([plain("mx1"), mx("mx2")], "mx2", Status.DELIVERED),
    "two that strip it": ([plain("mx1"), plain("mx2")], "gw.corp.test", Status.DELIVERED),
    "one that strips it, one down": ([plain("mx1"), down("mx2")], "gw.corp.test", Status.DELIVERED),
    "one down, one that strips it": ([down("mx1"), plain("mx2")], "gw.corp.test", Status.DELIVERED),
    "all down": ([down("mx1"), down("mx2")], "", Status.DEFERRED),
    "stripped, then 4xx": ([plain("mx1"), mx("mx2", {Step.RCPT: "451 4.3.0 x"})], "", Status.DEFERRED),
    "stripped, then 5xx": ([plain("mx1"), mx("mx2", {Step.RCPT: "550 5.1.1 x"})], "", Status.FAILED),
    "stripped, then lost once met": ([plain("mx1"), mx("mx2", {Step.MAIL: Fault.DROP})], "", Status.DEFERRED),
    "stripped, then lost after the dot": ([plain("mx1"), mx("mx2", {Step.CONTENT: Fault.DROP})], "", Status.UNCERTAIN),
    "self-signed": ([mx("mx1", credential=SELF_SIGNED)], "gw.corp.test", Status.DELIVERED),
    "handshake fails": ([mx("mx1", {Step.HANDSHAKE: Fault.DROP})], "gw.corp.test", Status.DELIVERED),
    "injection": ([mx("mx1", inject=b"250 ok\r\n")], "gw.corp.test", Status.DELIVERED),
}


@pytest.mark.parametrize("row", ON_FAILURE)
async def test_on_failure_diverts_for_lack_of_secure_transport_and_for_nothing_else(row: str) -> None:
    scene = Scenery("on-failure")
    servers, taken_by, status = ON_FAILURE[row]
    scene.domain("bank.test", *[_fresh(server) for server in servers])
    await scene.deliver(BOB)
    first, *_ = scene.site.ledger.results
    assert first.status is status
    takers = {peer.name for peer in scene.network.peers.values() if peer.accepted and peer is not scene.own}
    assert takers == ({taken_by} if taken_by else set())
    assert first.evidence.alternate is (taken_by == "gw.corp.test")
    await scene.site.close()


def _fresh(server: Peer) -> Peer:
    return Peer(server.name, credential=server.credential, script=server.script, inject=server.inject)


async def test_the_evidence_tells_every_target_of_a_diverted_message() -> None:
    scene = Scenery("on-failure")
    scene.domain("bank.test", plain("mx1"), down("mx2"))
    await scene.deliver(BOB)
    evidence = scene.site.ledger.last(BOB).evidence
    assert [(tried.target.split("[")[0], tried.failure, tried.alternate) for tried in evidence.tried] == [
        ("mx1", STRIPPED, False),
        ("mx2", "", False),
    ]
    assert evidence.target.startswith("gw.corp.test[")
    assert evidence.tls.subject == "CN=gw.corp.test"
    assert evidence.failure == ""
    await scene.site.close()


async def test_the_alternate_host_down_defers_and_is_tried_again() -> None:
    scene = Scenery("required")
    scene.domain("bank.test", mx())
    scene.gateway.script = {Step.DIAL: Fault.DROP}
    await scene.deliver(BOB)
    assert scene.site.ledger.last(BOB).status is Status.DEFERRED
    assert scene.network.accepted == []
    scene.gateway.script = {}
    await scene.site.later(3600)
    assert scene.site.ledger.last(BOB).status is Status.DELIVERED
    assert scene.gateway.accepted[0].recipients == (BOB,)
    await scene.site.close()


@pytest.mark.parametrize("credential", [None, SELF_SIGNED, WRONG_NAME, EXPIRED])
async def test_the_alternate_host_must_prove_itself_too(credential: Credential | None) -> None:
    scene = Scenery("required")
    scene.domain("bank.test", mx())
    scene.gateway.credential = credential
    await scene.deliver(BOB)
    assert scene.site.ledger.last(BOB).status is Status.DEFERRED
    assert scene.network.accepted == []
    await scene.site.close()


# Ends


async def test_uncertain_ends_the_attempt() -> None:
    scene = Scenery("on-failure")
    second = mx("mx2")
    scene.domain("bank.test", mx("mx1", {Step.CONTENT: Fault.TAKE_AND_DROP}), second)
    await scene.deliver(BOB)
    result = scene.site.ledger.last(BOB)
    assert result.status is Status.UNCERTAIN
    assert result.next_attempt > result.evidence.at
    assert second.connections == 0
    assert scene.gateway.connections == 0
    await scene.site.close()


@pytest.mark.parametrize("settle_by", ["bank.test", "mx.bank.test"])
async def test_a_failed_lookup_defers_and_never_diverts(settle_by: str) -> None:
    scene = Scenery("on-failure")
    scene.domain("bank.test", mx())
    scene.network.names.fail(settle_by)
    await scene.deliver(BOB)
    result = scene.site.ledger.last(BOB)
    assert (result.status, result.reply.enhanced) == (Status.DEFERRED, "4.4.3")
    assert result.evidence.reason == "alternate-on-failure"
    assert scene.network.accepted == []
    await scene.site.close()


async def test_recipients_of_one_message_travel_apart_where_their_requirements_differ() -> None:
    scene = Scenery()
    shared = Peer("mx.shared.test", credential=GOOD)
    for domain in ("bank.test", "club.test", "shop.test"):
        scene.domain(domain, shared)
    await scene.deliver(BOB, "ann@bank.test", "eve@shop.test", "kim@club.test")
    assert sorted(mail.recipients for mail in shared.accepted) == [
        (BOB, "ann@bank.test"),
        ("eve@shop.test",),
        ("kim@club.test",),
    ]
    await scene.site.close()


async def test_two_at_one_domain_travel_apart_where_only_one_is_listed() -> None:
    scene = Scenery()
    server = Peer("mx.shop.test", credential=None)
    scene.domain("shop.test", server)
    await scene.deliver("eve@shop.test", "ann@shop.test")
    assert [mail.recipients for mail in server.accepted] == [("eve@shop.test",)]
    assert scene.site.ledger.last("ann@shop.test").evidence.failure == STRIPPED
    await scene.site.close()


async def test_recipients_of_several_domains_share_a_transaction_to_a_host() -> None:
    scene = Scenery("required")
    await scene.deliver(BOB, "kim@club.test")
    assert [mail.recipients for mail in scene.gateway.accepted] == [(BOB, "kim@club.test")]
    await scene.site.close()


async def test_pool_poisoning() -> None:
    """A connection that served opportunistic mail is there, and mail that requires more comes."""
    scene = Scenery()
    shared = Peer("mx.shared.test", credential=SELF_SIGNED)
    for domain in ("shop.test", "bank.test"):
        scene.domain(domain, shared)
    await scene.deliver("eve@shop.test")
    await scene.deliver(BOB)
    assert shared.connections == 2  # what was shaken hands under the lowest ciphers is not even considered
    assert [mail.recipients for mail in shared.accepted] == [("eve@shop.test",)]
    assert scene.site.ledger.last(BOB).evidence.failure == FailureType.CERTIFICATE_NOT_TRUSTED
    await scene.site.close()


async def test_a_kept_plaintext_connection_does_not_serve_mail_that_requires_tls() -> None:
    scene = Scenery()
    shared = Peer("mx.shared.test", script={Step.HANDSHAKE: [Fault.FAIL]})
    for domain in ("shop.test", "bank.test"):
        scene.domain(domain, shared)
    await scene.deliver("eve@shop.test")
    assert not shared.accepted[0].handshake.encrypted
    await scene.deliver(BOB)
    assert shared.accepted[1].handshake.encrypted
    assert shared.connections == 3
    await scene.site.close()


async def test_connections_are_reused() -> None:
    scene = Scenery()
    server = mx()
    scene.domain("bank.test", server)
    for _ in range(5):
        await scene.deliver(BOB)
    assert len(server.accepted) == 5
    assert server.connections == 1
    await scene.site.close()
