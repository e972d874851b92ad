"""The watch of a real node: its store on disk, its certificate, and a webhook over loopback."""

import asyncio
import contextlib
import json
import logging
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from percorso.alerts import assembly, watch
from percorso.config.schema import Alerts, Configuration, Node
from percorso.core.alerts.course import Change
from percorso.core.alerts.message import signature
from percorso.net.tls.self_signed import make_self_signed
from percorso.ports.queue import QueueFilter
from percorso.processes.clock import SystemClock
from percorso.store import layout
from percorso.store.secrets import FileSecrets
from percorso.store.sqlite.queue import SqliteQueue, open_worker_queue
from percorso.store.sqlite.queue_desk import SqliteQueueDesk
from tests.net.test_webhook import serving
from tests.proof.settings_in_memory import MemorySettings, document

TOML = """
[organization]
domains = ["corp.test"]
alert_recipients = ["postmaster@corp.test"]
alert_webhook = "http://127.0.0.1:{port}/hook"
alert_webhook_secret = "hook"
"""


def posted() -> None:
    """Wait for webhooks under way."""
    for thread in threading.enumerate():
        if thread.name == "webhook":
            thread.join(10)


class Node1:
    """A node whose certificate always ends too soon."""

    def __init__(self, data_dir: Path, queue: SqliteQueue) -> None:
        self.data_dir = data_dir
        self.queue = queue
        self.certificate = data_dir / "cert.pem"
        make_self_signed("mail1.corp.test", now=1.8e9, certificate=self.certificate, key=data_dir / "key.pem")
        self.configuration = Configuration(
            node=Node(name="mail1.corp.test", data_dir=data_dir), alerts=Alerts(certificate=1e10, disk_free=1)
        )

    def watch(self, port: int = 1) -> watch.Watch:
        settings = MemorySettings(document(TOML.format(port=port)))
        return assembly._watch_of(self.configuration, self.queue, settings, certificate=self.certificate)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node1]:
    queue = open_worker_queue(tmp_path, node="mail1", clock=SystemClock(), loop=asyncio.get_running_loop())
    yield Node1(tmp_path, queue)
    await queue.close()


async def test_an_alert_is_queued_as_a_message_that_must_be_encrypted_and_posted(node: Node1) -> None:
    FileSecrets(node.data_dir).set("hook", b"sesame")
    with serving(204) as (port, taken):
        (alert,) = await node.watch(port).look()
        await asyncio.to_thread(posted)
    assert alert.change is Change.RAISED
    (entry,) = SqliteQueueDesk(node.data_dir).entries(QueueFilter())
    assert (entry.sender, entry.recipient, str(entry.requirement)) == ("", "postmaster@corp.test", "encrypted")
    ((path, payload, signed),) = taken
    assert path == "/hook"
    assert json.loads(payload)["alerts"][0]["kind"] == "certificate-ending"
    assert signed == signature(payload, b"sesame")


async def test_a_restart_tells_nothing_twice(node: Node1, caplog: pytest.LogCaptureFixture) -> None:
    assert len(await node.watch().look()) == 1
    assert await node.watch().look() == ()
    lines = [record for record in caplog.records if record.getMessage().startswith("certificate-ending: Alert: ")]
    assert [line.levelno for line in lines] == [logging.ERROR]


async def test_a_webhook_without_its_secret_is_told_in_the_log(node: Node1, caplog: pytest.LogCaptureFixture) -> None:
    await node.watch().look()
    posted()
    assert "there is no secret 'hook'" in caplog.text


async def test_a_store_that_cannot_be_written_is_an_alert_of_its_own(node: Node1) -> None:
    layout.alerts_file(node.data_dir).mkdir()  # nothing can be moved there
    looking = node.watch()
    await looking.look()
    (alert,) = await looking.look()
    assert alert.condition.kind.value == "store-trouble"


async def test_it_looks_again_after_an_error_of_ours(
    node: Node1, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looks: list[int] = []
    monkeypatch.setattr(watch, "INTERVAL", 0.0)
    looking = node.watch()

    async def look() -> tuple[()]:
        looks.append(1)
        if len(looks) == 1:
            raise RuntimeError("a defect")
        raise asyncio.CancelledError

    monkeypatch.setattr(looking, "look", look)
    with contextlib.suppress(asyncio.CancelledError):
        await looking.run()
    assert len(looks) == 2
    assert "a defect" in caplog.text
