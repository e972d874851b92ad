"""The watch of a node, put together from its configuration and what its first worker has open."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

from percorso.alerts.gauges import Gauges
from percorso.alerts.tell import Teller
from percorso.alerts.watch import Watch
from percorso.config.schema import Configuration
from percorso.core.alerts.condition import Thresholds
from percorso.net.tls.expiry import certificate_end
from percorso.net.webhook import Webhook
from percorso.ports.queue import Queue
from percorso.ports.settings import SettingsSource
from percorso.processes.clock import SystemClock
from percorso.store.alert_memory import FileAlertMemory
from percorso.store.secrets import FileSecrets
from percorso.store.sqlite.census import SqliteQueueCensus


def start_watch(
    configuration: Configuration, queue: Queue, settings: SettingsSource, *, certificate: Path
) -> Callable[[], object]:
    """Watch over the node from now on, until what is returned is called; `certificate` is what listeners show."""
    watch = _watch_of(configuration, queue, settings, certificate=certificate)
    return asyncio.ensure_future(watch.run()).cancel


def _watch_of(configuration: Configuration, queue: Queue, settings: SettingsSource, *, certificate: Path) -> Watch:
    node, limits, ca_file = configuration.node, configuration.alerts, configuration.tls.ca_file
    webhook = Webhook(networks=limits.webhook_networks, ca_file=str(ca_file) if ca_file else None)
    return Watch(
        gauges=Gauges(
            node=node.name,
            census=SqliteQueueCensus(configuration.store_dir),
            data_dir=configuration.store_dir,
            certificate_end=partial(certificate_end, certificate),
        ),
        teller=Teller(
            node=node.name,
            settings=settings,
            queue=queue,
            webhook=webhook,
            secrets_of_node=FileSecrets(node.data_dir),
        ),
        memory=FileAlertMemory(configuration.store_dir),
        clock=SystemClock(),
        thresholds=Thresholds(
            queued=limits.queued,
            oldest=limits.oldest,
            disk_free=limits.disk_free / 100,
            certificate=limits.certificate,
        ),
    )
