"""The agent between a decision and its delivery: settings that change meanwhile, and a stop."""

import asyncio
from collections.abc import Callable

import pytest

from percorso.core.delivery.outcome import Status
from percorso.core.hosts.host import Target
from percorso.core.settings.schema import Document
from percorso.ports.dialer import Stream
from percorso.ports.queue import Settlement
from tests.network.peer import Fault, Peer, Step
from tests.proof.scenery import ROUTE, Scenery
from tests.proof.settings_in_memory import document

LAX = """
[organization]
name = "Corp"
domains = ["corp.test"]

[[host]]
name = "encryptor"
primary = [{ address = "gw.corp.test" }]
"""
STRICT = LAX + '[[tls_compliance]]\nname = "All need TLS"\nall = true\n'
EVE = "eve@shop.test"


def change_at_dial(scene: Scenery, name: str, change: Callable[[], None]) -> None:
    """Have it happen while the server of this name is being dialled."""
    connect = scene.network.connect

    async def dial(target: Target, *, timeout: float) -> Stream:
        if target.name == name:
            change()
        return await connect(target, timeout=timeout)

    scene.network.connect = dial  # type: ignore[method-assign, assignment]


def once(scene: Scenery, settings: Document) -> None:
    if scene.site.settings.current.version == 2:
        scene.site.settings.apply(settings)


def lax() -> Scenery:
    scene = Scenery(concurrency=1)
    scene.site.settings.apply(document(LAX))
    return scene


@pytest.mark.parametrize("route", ["", ROUTE.format(when="required")])
async def test_settings_that_come_while_a_message_waits_for_its_turn_count(route: str) -> None:
    scene = lax()
    server = Peer("mx.shop.test", credential=None)
    scene.domain("shop.test", server)
    strict = document(STRICT + route)
    change_at_dial(scene, "mx.shop.test", lambda: once(scene, strict))
    await asyncio.gather(*[scene.site.submit(f"user{number}@shop.test") for number in range(3)])
    await scene.site.run()
    assert server.accepted == []
    assert len(scene.gateway.accepted) == (3 if route else 0)
    wanted = Status.DELIVERED if route else Status.DEFERRED
    assert {result.status for result in scene.site.ledger.results} == {wanted}
    assert {result.evidence.settings_version for result in scene.site.ledger.results} == {3}
    assert scene.site.ledger.wrong == []
    await scene.site.close()


async def test_settings_that_come_between_two_targets_count() -> None:
    scene = lax()
    second = Peer("mx2.shop.test", credential=None)
    scene.domain("shop.test", Peer("mx1.shop.test", script={Step.DIAL: Fault.DROP}), second)
    change_at_dial(scene, "mx1.shop.test", lambda: scene.site.settings.apply(document(STRICT)))
    await scene.deliver(EVE)
    assert second.accepted == []
    assert scene.site.ledger.last(EVE).evidence.failure == "starttls-not-supported"
    await scene.site.close()


async def test_a_kept_connection_carries_nothing_that_was_decided_before() -> None:
    scene = lax()
    server = Peer("mx.shop.test", credential=None)
    scene.domain("shop.test", server)
    settle = scene.site.ledger.settle

    def first_settled(settlement: Settlement, done: Callable[[], None]) -> None:
        if not scene.site.ledger.results:
            scene.site.settings.apply(document(STRICT))
        settle(settlement, done)

    scene.site.ledger.settle = first_settled  # type: ignore[method-assign]
    await asyncio.gather(*[scene.site.submit(f"user{number}@shop.test") for number in range(3)])
    await scene.site.run()
    assert len(server.accepted) == 1
    assert [result.status for result in scene.site.ledger.results] == [Status.DELIVERED] + [Status.DEFERRED] * 2
    await scene.site.close()


@pytest.mark.parametrize("turns", range(8))
async def test_a_stop_while_a_claim_is_decided_on_gives_it_back_once(turns: int) -> None:
    scene = Scenery()
    server = Peer("mx.shop.test")
    scene.domain("shop.test", server)
    await scene.site.submit(*[f"user{number}@shop.test" for number in range(450)])
    for _ in range(turns):
        await asyncio.sleep(0)
    await scene.site.agent.stop(grace=5.0)
    for _ in range(100):  # nothing may be under way any more
        await asyncio.sleep(0)
    ledger = scene.site.ledger
    assert ledger.wrong == []
    assert ledger.claimed == {}
    assert ledger.released + len(ledger.results) == 450
    await scene.site.close()
