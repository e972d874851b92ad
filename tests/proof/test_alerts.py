"""What goes wrong on the network reaches the administrators: once, securely, and without a word of anybody's mail."""

from pathlib import Path

import pytest

from percorso.alerts.gauges import Gauges
from percorso.alerts.tell import Teller
from percorso.alerts.watch import Watch
from percorso.core.alerts.condition import Kind, Thresholds
from percorso.core.alerts.course import Change
from percorso.core.delivery.outcome import Status
from percorso.core.smtp.data import from_wire
from percorso.net.webhook import Webhook
from percorso.ports.census import Census
from percorso.ports.queue import StoreError
from percorso.store.alert_memory import FileAlertMemory
from percorso.store.secrets import FileSecrets
from tests.network.credential import GOOD
from tests.network.peer import Fault, Peer, Step
from tests.proof.census import SiteCensus
from tests.proof.scenery import Scenery, settings
from tests.proof.settings_in_memory import document

BOB = "bob@bank.test"
DAY = 86_400.0
MAILSTORE = """
[[host]]
name = "mailstore"
primary = [{ address = "store.corp.test" }]
"""


def alerted(when: str = "required", more: str = "") -> str:
    """The settings of the scenery, with administrators."""
    told = '[organization]\nalert_recipients = ["postmaster@ops.test"]\nlanguage = "it"\n'
    return settings(when).replace("[organization]\n", told + more)


class Watched:
    """A scenery with a watch over it, whose administrators read their mail at ops.test."""

    def __init__(self, data_dir: Path) -> None:
        self.scene = Scenery("required")
        self.scene.site.settings.apply(document(alerted()))
        self.ops = Peer("mx.ops.test", credential=GOOD)
        self.scene.domain("ops.test", self.ops)
        self.data_dir = data_dir
        self.start()

    def start(self) -> None:
        """The watch of a node that has just begun."""
        site = self.scene.site
        clock = self.scene.network.clock
        self.watch = Watch(
            gauges=Gauges(
                node="mail1.corp.test",
                census=SiteCensus(site),
                data_dir=self.data_dir,
                certificate_end=lambda: clock.now() + 90 * DAY,
            ),
            teller=Teller(
                node="mail1.corp.test",
                settings=site.settings,
                queue=site.ledger,
                webhook=Webhook(),
                secrets_of_node=FileSecrets(self.data_dir),
            ),
            memory=FileAlertMemory(self.data_dir),
            clock=clock,
            thresholds=Thresholds(disk_free=0.0),
        )

    async def look(self, after: float = 0.0) -> list[tuple[Change, Kind, str]]:
        await self.scene.site.later(after)
        alerts = await self.watch.look()
        await self.scene.site.run()
        return [(alert.change, alert.condition.kind, alert.condition.subject) for alert in alerts]


@pytest.fixture
async def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


async def test_a_parked_notice_is_alerted_and_never_sent_in_plaintext(watched: Watched) -> None:
    scene = watched.scene
    scene.site.settings.apply(document(alerted(when="")))
    scene.domain("bank.test", Peer("mx.bank.test", script={Step.RCPT: "550 5.1.1 nobody here"}))
    scene.own.credential = None
    await scene.deliver(BOB)
    assert await watched.look() == [(Change.RAISED, Kind.SECURE_TRANSPORT_FAILING, "corp.test")]
    for _ in range(26):
        await scene.site.later(3600)
    assert scene.site.ledger.last("a@corp.test").status is Status.HELD
    assert (Change.RAISED, Kind.MAIL_PARKED, "corp.test") in await watched.look()
    assert scene.own.accepted == []
    assert len(watched.ops.accepted) == 2
    for alert in watched.ops.accepted:
        assert alert.sender == ""
        assert alert.handshake.encrypted
        text = from_wire(alert.content)
        for secret in (b"bob", b"a@corp.test", b"Offer", b"nobody here"):
            assert secret not in text
    await scene.site.close()


async def test_a_host_that_is_down_is_alerted_once_and_its_recovery_too(watched: Watched) -> None:
    scene = watched.scene
    scene.gateway.script = {Step.DIAL: Fault.DROP}
    await scene.deliver(BOB)
    assert await watched.look() == [(Change.RAISED, Kind.HOST_DOWN, "encryptor")]
    assert await watched.look(60) == []
    watched.start()  # a restart forgets nothing
    assert await watched.look(60) == []
    scene.gateway.script = {}
    assert await watched.look(3600) == [(Change.RECOVERED, Kind.HOST_DOWN, "encryptor")]
    assert await watched.look(3600) == []
    subjects = [mail.content.split(b"Subject: ")[1].split(b"\r\n")[0] for mail in watched.ops.accepted]
    assert len(subjects) == 2
    await scene.site.close()


async def test_a_store_that_cannot_be_read_recovers_nothing(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = watched.scene
    scene.gateway.script = {Step.DIAL: Fault.DROP}
    await scene.deliver(BOB)
    await watched.look()

    def fail(_: SiteCensus) -> Census:
        raise StoreError("queue.db is damaged")

    monkeypatch.setattr(SiteCensus, "take", fail)
    assert await watched.look(3600) == [(Change.RAISED, Kind.STORE_TROUBLE, "mail1.corp.test")]
    monkeypatch.undo()
    assert await watched.look(3600) == [(Change.RECOVERED, Kind.STORE_TROUBLE, "mail1.corp.test")]
    await scene.site.close()


async def test_a_domain_without_secure_transport_is_alerted(watched: Watched) -> None:
    scene = watched.scene
    scene.site.settings.apply(document(alerted(when="")))
    scene.domain("bank.test", Peer("mx.bank.test", credential=None))
    await scene.deliver(BOB)
    told = await watched.look()
    assert (Change.RAISED, Kind.SECURE_TRANSPORT_FAILING, "bank.test") in told
    await scene.site.close()


async def test_an_alert_to_an_own_domain_goes_to_the_inbound_host(watched: Watched) -> None:
    scene = watched.scene
    inbound = alerted(more='inbound_host = "mailstore"\n').replace("ops.test", "corp.test") + MAILSTORE
    scene.site.settings.apply(document(inbound))
    store = scene.network.add(Peer("store.corp.test", credential=GOOD))
    scene.gateway.script = {Step.DIAL: Fault.DROP}
    await scene.deliver(BOB)
    await watched.look()
    assert [mail.recipients for mail in store.accepted] == [("postmaster@corp.test",)]
    assert scene.own.accepted == []
    await scene.site.close()


async def test_an_alert_waits_rather_than_leak(watched: Watched) -> None:
    scene = watched.scene
    scene.gateway.script = {Step.DIAL: Fault.DROP}
    scene.gateway.credential = None
    watched.ops.credential = None
    await scene.deliver(BOB)
    await watched.look()
    assert watched.ops.accepted == []
    assert scene.site.ledger.last("postmaster@ops.test").status is Status.DEFERRED
    await scene.site.close()
