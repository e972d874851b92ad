"""The composition root: the only place that wires everything.

`serve` binds, then forks: no connection, thread or event loop exists before the fork. What only one verb needs is
imported where that verb is wired, so that the others start quickly.
"""

import asyncio
import contextlib
import logging
import random
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from percorso.cli.main import run
from percorso.cli.starters import Starters

if TYPE_CHECKING:
    import socket

    from percorso.config.schema import Configuration, Listener
    from percorso.delivery.agent import DeliveryAgent
    from percorso.metrics.board import Part
    from percorso.net.tls.contexts import ServerTls
    from percorso.operations.network import Network
    from percorso.operations.stores import Stores
    from percorso.ports.clock import Clock
    from percorso.ports.dialer import Dialer
    from percorso.ports.evidence import EvidenceCurator, EvidenceLog
    from percorso.ports.queue import Queue
    from percorso.ports.settings import SettingsSource
    from percorso.processes.identity import Identity
    from percorso.reception.submission import Submission
    from percorso.store.sqlite.passwords import SqlitePasswords

    Pair = tuple[Path, Path]

CLOSING_SECONDS = 20.0
"""What a worker may take beyond its grace to say QUIT to servers and to close the store."""

NO_SETTINGS = (
    "no settings exist yet: every sender is refused until `percorso settings apply` names the organization's domains"
)

_log = logging.getLogger("percorso")


def main() -> int:
    """The `percorso` command; returns its exit code."""
    return run(Starters(serve=_serve, lab=_lab, bench=_bench, stores=_stores, network=_network), sys.argv[1:])


def _stores(configuration: "Configuration") -> "Stores":
    from percorso.operations.stores import Stores
    from percorso.store.secrets import FileSecrets
    from percorso.store.sqlite.audit_log import SqliteAuditLog
    from percorso.store.sqlite.queue_desk import SqliteQueueDesk
    from percorso.store.sqlite.restore import SqliteBackupStore
    from percorso.store.sqlite.settings_source import SqliteSettingsSource
    from percorso.store.sqlite.settings_store import SqliteSettingsStore

    folder = configuration.store_dir
    return Stores(
        folder=folder,
        data_dir=configuration.node.data_dir,
        settings=lambda: SqliteSettingsStore(folder),
        audit=lambda: SqliteAuditLog(folder),
        queue=lambda: SqliteQueueDesk(folder),
        evidence=lambda: _evidence(folder),
        curator=lambda: _curator(folder),
        passwords=lambda: _passwords(folder),
        secrets=lambda: FileSecrets(configuration.node.data_dir),
        backups=lambda: SqliteBackupStore(configuration.node.data_dir, folder),
        settings_at=lambda version: SqliteSettingsSource(folder, version=version),
    )


def _passwords(folder: Path) -> "SqlitePasswords":
    from percorso.store.sqlite.passwords import SqlitePasswords

    return SqlitePasswords(folder)


def _curator(folder: Path) -> "EvidenceCurator":
    from percorso.store.sqlite.evidence_curator import SqliteEvidenceCurator

    return SqliteEvidenceCurator(folder)


def _evidence(folder: Path) -> "EvidenceLog":
    from percorso.store.sqlite.evidence_log import SqliteEvidenceLog

    return SqliteEvidenceLog(folder)


def _lab(keep: bool, as_json: bool) -> int:
    from percorso.lab.trial import TrialOptions, run_lab

    return run_lab(_evidence, TrialOptions(keep=keep, as_json=as_json))


def _bench(arguments: Sequence[str]) -> int:
    from percorso.lab.bench import bench

    return bench(arguments)


# The supervisor


def _serve(configuration: "Configuration") -> int:
    """Bind, fork the workers, and watch over them until told to stop."""
    from percorso.net.listening import CannotListen
    from percorso.net.tls.contexts import BadCertificateFile
    from percorso.operations.heads import tell_heads
    from percorso.ports.queue import StoreError
    from percorso.processes.identity import BadUser, identity
    from percorso.processes.instance import AlreadyRunning, only_instance
    from percorso.processes.logs import log_to_stderr

    log_to_stderr(configuration.log.level, configuration.log.format)
    try:
        runs_as = identity(configuration.node.user, configuration.node.data_dir)
        with only_instance(configuration.node.data_dir):
            code = _supervise(configuration, runs_as)
            tell_heads(_stores(configuration))  # no process is left that adds to the evidence
            return code
    except (AlreadyRunning, BadUser, CannotListen, BadCertificateFile, StoreError) as error:
        _say(f"percorso: {error}")
        return 2


def _supervise(configuration: "Configuration", runs_as: "Identity | None") -> int:
    from percorso.metrics.board import Board
    from percorso.net.listening import listen
    from percorso.net.tls.contexts import server_context
    from percorso.processes.notify import InitSystem
    from percorso.processes.open_files import raise_open_files
    from percorso.processes.supervisor import Supervisor

    node = configuration.node
    raise_open_files()
    sockets = [listen(listener.address, count=node.workers) for listener in configuration.listener]
    (console,) = listen(configuration.console.address, count=1)
    if runs_as:
        runs_as.drop_to()  # root was needed for the ports alone
    pair = _certificate(configuration)
    server_context(*pair)  # a pair that cannot be used is told now, not by every worker
    _make_settings(configuration)
    for listener, bound in zip(configuration.listener, sockets, strict=True):
        _say_listening(listener, bound[0])
    _say(f"health and metrics on {_where(console)}")
    board = Board(node.workers)

    def work(number: int, lifeline: int) -> int:
        if number == node.workers:
            from percorso.api.process import run as answer

            return answer(configuration, _stores(configuration), board, console, lifeline)
        watches = number == 0
        return _work(configuration, pair, [bound[number] for bound in sockets], (board.part(number), lifeline, watches))

    return Supervisor(
        work,
        count=node.workers + 1,
        grace=node.grace + CLOSING_SECONDS,
        serving=lambda: board.all_serve(time.monotonic()),
        init=InitSystem(),
    ).run()


def _make_settings(configuration: "Configuration") -> None:
    """Make the settings' database, or bring it up to date, once for all workers."""
    from percorso.store.sqlite.settings_store import SqliteSettingsStore

    settings = SqliteSettingsStore(configuration.store_dir)
    if not settings.newest().version:
        _say(NO_SETTINGS)
    settings.close()


def _certificate(configuration: "Configuration") -> "Pair":
    """The configured pair, or the node's self-signed one, made at the first start."""
    from percorso.net.tls.self_signed import make_self_signed

    if configuration.tls.certificate and configuration.tls.key:
        return configuration.tls.certificate, configuration.tls.key
    folder = configuration.node.data_dir / "tls"
    pair = folder / "self-signed.pem", folder / "self-signed.key"
    folder.mkdir(mode=0o700, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        make_self_signed(configuration.node.name, now=time.time(), certificate=pair[0], key=pair[1])
        _say(f"no certificate is configured: made the self-signed {pair[0]} for {configuration.node.name}")
    return pair


def _say_listening(listener: "Listener", bound: "socket.socket") -> None:
    _say(f"listening on {_where(bound)} ({listener.role}, TLS {listener.tls})")


def _where(bound: "socket.socket") -> str:
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


# A worker


def _work(
    configuration: "Configuration", pair: "Pair", sockets: "Sequence[socket.socket]", told: "tuple[Part, int, bool]"
) -> int:
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_worker(configuration, pair, sockets, told))
    return 0


async def _worker(
    configuration: "Configuration", pair: "Pair", sockets: "Sequence[socket.socket]", told: "tuple[Part, int, bool]"
) -> None:
    """One worker's life: open the store, deliver, listen; and the same backwards.

    It counts in its part of the board, ends with the lifeline, and may watch over the node.
    """
    from percorso.alerts.assembly import start_watch
    from percorso.metrics.clients import ClientMeter
    from percorso.metrics.worker import Meter, MeteredQueue
    from percorso.net.tls.contexts import ServerTls
    from percorso.processes.clock import SystemClock
    from percorso.reception.listener import Listeners
    from percorso.store.sqlite.queue import open_worker_queue
    from percorso.store.sqlite.settings_source import SqliteSettingsSource

    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    part, lifeline, watches = told
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    tls = ServerTls(*pair)
    loop.add_signal_handler(signal.SIGHUP, _reload, tls)
    loop.add_reader(lifeline, stop.set)
    folder, node, clock = configuration.store_dir, configuration.node, SystemClock()
    settings = SqliteSettingsSource(folder)
    queue = open_worker_queue(folder, node=node.name, clock=clock, loop=loop)
    meter = Meter(part)
    queue.watch(meter.committed)
    agent = _agent(configuration, MeteredQueue(queue, meter.settled), settings, part)
    queue.attach(agent)
    settings.watch(loop, agent.settings_changed)
    accounts = contextlib.ExitStack()
    submission = _submission(configuration, settings, clock, accounts)
    listeners = Listeners(
        configuration, tls=tls.context, queue=queue, settings=settings, clock=clock, submission=submission
    )
    if watches:
        accounts.callback(start_watch(configuration, queue, settings, certificate=pair[0]))
    await listeners.start(sockets, ClientMeter(part))
    await _beat(part, stop)
    loop.remove_reader(lifeline)
    # Together: one after the other they would take longer than the supervisor waits, and a kill makes mail uncertain.
    await asyncio.gather(listeners.stop(node.grace), agent.stop(node.grace))
    accounts.close()
    await queue.close()
    settings.close()


def _submission(
    configuration: "Configuration", settings: "SettingsSource", clock: "Clock", closing: contextlib.ExitStack
) -> "Submission | None":
    """What submission listeners ask, where there are any; `closing` ends it."""
    if all(listener.role != "submission" for listener in configuration.listener):
        return None
    from percorso.access.authenticator import PasswordAuthenticator
    from percorso.reception.submission import Submission
    from percorso.store.sqlite.account_rates import SqliteAccountRates

    passwords, rates = _passwords(configuration.store_dir), SqliteAccountRates(configuration.store_dir)
    authenticator = PasswordAuthenticator(passwords, settings, clock)
    for part in (passwords, rates, authenticator):
        closing.callback(part.close)
    return Submission(authenticator=authenticator, rates=rates)


async def _beat(part: "Part", stop: asyncio.Event) -> None:
    """Give signs of life until the end."""
    while not stop.is_set():
        part.beat(time.monotonic())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 1.0)
    part.beat(0.0)


def _reload(tls: "ServerTls") -> None:
    """Take a renewed certificate into use; one that cannot be used changes nothing."""
    from percorso.net.tls.contexts import BadCertificateFile

    try:
        tls.reload()
    except BadCertificateFile as error:
        _log.error("the certificate that was in use stays in use: %s", error)
    else:
        _log.info("the listeners' certificate was read again")


def _agent(configuration: "Configuration", queue: "Queue", settings: "SettingsSource", part: "Part") -> "DeliveryAgent":
    from percorso.config.rates import outbound_rates
    from percorso.delivery.agent import DeliveryAgent
    from percorso.delivery.options import DeliveryOptions
    from percorso.metrics.worker import MeteredDialer
    from percorso.store.secrets import FileSecrets

    delivery, name = configuration.delivery, configuration.node.name
    network = _network(configuration)
    return DeliveryAgent(
        queue=queue,
        settings=settings,
        router=network.router,
        dialer=MeteredDialer(network.dialer, part),
        clock=network.clock,
        options=DeliveryOptions(
            node=name,
            hello_name=name,
            concurrency=delivery.concurrency,
            rates=outbound_rates(delivery.rates, workers=configuration.node.workers),
            connect_timeout=delivery.connect_timeout,
            tls_timeout=delivery.tls_timeout,
            max_reply_wait=delivery.reply_timeout,
            idle_timeout=delivery.idle_timeout,
            secret=FileSecrets(configuration.node.data_dir).get,
        ),
    )


def _network(configuration: "Configuration") -> "Network":
    from percorso.lookups.mx import MailServers, Ourselves
    from percorso.lookups.route import Router
    from percorso.net.dns import DnsResolver, system_servers
    from percorso.net.listening import listens_at
    from percorso.operations.network import Network
    from percorso.processes.clock import SystemClock

    delivery, dns, name, clock = configuration.delivery, configuration.dns, configuration.node.name, SystemClock()
    resolver = DnsResolver(dns.servers or system_servers(), clock, trust_ad=dns.trust_ad)
    listeners = [listener.address for listener in configuration.listener]
    # To send to where we take mail, at the very port that recipients' servers are dialled at, is a loop.
    ourselves = Ourselves(
        names=frozenset({name}), listen_at=lambda address: listens_at(listeners, address, port=delivery.port)
    )
    servers = MailServers(
        resolver, clock, ipv6=delivery.ipv6, ourselves=ourselves, deny_networks=delivery.deny_networks
    )
    return Network(
        name=name,
        resolver=resolver,
        servers=servers,
        router=Router(servers, port=delivery.port, roll=random.SystemRandom().random),
        dialer=_dialer(configuration, clock),
        clock=clock,
    )


def _dialer(configuration: "Configuration", clock: "Clock") -> "Dialer":
    from percorso.net.dialer import SocketDialer
    from percorso.net.tls.contexts import ClientContexts
    from percorso.net.tls.facts import HandshakeReader
    from percorso.net.tls.trust import Trust
    from percorso.store.secrets import FileSecrets

    ca_file = configuration.tls.ca_file
    return SocketDialer(
        contexts=ClientContexts(FileSecrets(configuration.node.data_dir).get),
        reader=HandshakeReader(Trust(str(ca_file) if ca_file else "")),
        clock=clock,
        source_addresses=configuration.delivery.source_addresses,
    )
