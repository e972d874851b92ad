"""The trial: set the scenery up, start a real node, send a message for every cell, and tell what became of each."""

import asyncio
import contextlib
import signal
import smtplib
import ssl
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path

import msgspec
from rich.console import Console

from percorso.lab import table
from percorso.lab.dns_server import DnsServer
from percorso.lab.expectations import SETTINGS
from percorso.lab.node import Node, NodeFailed, NodePlan
from percorso.lab.outcome import Cell, CellResult, cells, judge_cell, leaks
from percorso.lab.receiver import Notebook, listen
from percorso.lab.scenery import Scenery, build
from percorso.lab.settings import document
from percorso.ports.evidence import EvidenceFilter, EvidenceLog, StoredEvidence

PATIENCE = 20.0  # seconds for every message to have evidence
_SETTLED = 3.0  # seconds more for notices to arrive
_LOOK = 0.1

OpenEvidence = Callable[[Path], EvidenceLog]
"""The delivery log of a data directory."""


class TrialOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What may be asked of the trial."""

    keep: bool = False  # go on serving until Ctrl-C
    as_json: bool = False


class TrialResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the trial found."""

    results: tuple[CellResult, ...]
    leaks: tuple[str, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether everything is as the contract says."""
        return not self.leaks and not any(result.problems for result in self.results)


def run_lab(open_evidence: OpenEvidence, options: TrialOptions) -> int:
    """The verb: runs the trial and prints it; 0 if all is as it should be, 1 if not, 2 if it cannot run here."""
    progress = Console(stderr=True)
    try:
        return asyncio.run(_show(open_evidence, options, progress))
    except NodeFailed as failure:
        progress.print(f"The trial's node failed. {failure}", style="red", markup=False)
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130  # as a shell tells it: ended by a signal
    except OSError as error:
        progress.print(f"The trial needs the addresses 127.0.53.1 to 127.0.53.20 on this machine: {error}")
        return 2


async def _show(open_evidence: OpenEvidence, options: TrialOptions, progress: Console) -> int:
    console = Console()
    if task := asyncio.current_task():  # so that nothing is left behind
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with tempfile.TemporaryDirectory(prefix="percorso-lab-") as folder:
        async with _world(Path(folder), progress) as (node, scenery, notebook):
            found = await _try_all(node, scenery, notebook, open_evidence(node.data_dir), progress)
            if options.as_json:
                sys.stdout.write(table.as_json(found.results, found.leaks, node.config) + "\n")
            else:
                table.print_results(console, found.results, found.leaks, found.seconds)
            if options.keep:
                _invite(progress, node, found)
                with contextlib.suppress(asyncio.CancelledError):  # Ctrl-C
                    await asyncio.Event().wait()
            elif not options.as_json:
                console.print("To look around in it: `percorso lab --keep`.")
    return 0 if found.passed else 1


def _invite(progress: Console, node: Node, found: TrialResult) -> None:
    sample = next((result.queue_id for result in found.results if result.queue_id), "ID")
    progress.print("The node goes on until Ctrl-C. In another terminal:")
    for verb in (f"log show {sample}", "log search", "queue list", "settings export"):
        progress.print(f"  percorso {verb} --config {node.config}", soft_wrap=True)
    progress.print(f"It takes mail on 127.0.0.1:{node.port}.")


async def try_all(folder: Path, open_evidence: OpenEvidence) -> TrialResult:
    """The whole trial in a folder, without a word."""
    async with _world(folder, Console(quiet=True)) as (node, scenery, notebook):
        return await _try_all(node, scenery, notebook, open_evidence(node.data_dir), Console(quiet=True))


@asynccontextmanager
async def _world(folder: Path, progress: Console) -> AsyncIterator[tuple[Node, Scenery, Notebook]]:
    """Servers, DNS and node, up and running; all gone when the block ends."""
    notebook = Notebook()
    progress.print("Setting up DNS, receiving servers and an encrypting host on loopback …")
    scenery = build(folder, senders=tuple(setting.domain for setting in SETTINGS))
    async with contextlib.AsyncExitStack() as stack:
        port, servers = await listen(scenery.servers, notebook)
        for server in servers:
            stack.callback(server.close)
        dns = DnsServer(scenery.zone)
        dns_port = await dns.start()
        stack.push_async_callback(dns.stop)
        plan = NodePlan(
            folder=folder, ca_file=scenery.ca_file, dns_port=dns_port, delivery_port=port, settings=document(port)
        )
        node = Node(plan)
        stack.push_async_callback(asyncio.to_thread, node.stop)
        progress.print("Starting a node with its own configuration and settings …")
        await asyncio.to_thread(node.start)
        yield node, scenery, notebook


async def _try_all(
    node: Node, scenery: Scenery, notebook: Notebook, evidence: EvidenceLog, progress: Console
) -> TrialResult:
    wanted = cells(scenery.destinations)
    started = time.monotonic()
    progress.print(f"Sending {len(wanted)} messages …")
    await asyncio.to_thread(_send, node.port, wanted)
    progress.print("Waiting for what becomes of them …")
    deadline = started + PATIENCE
    results = _judge(wanted, evidence, notebook)
    while time.monotonic() < deadline and not all(result.queue_id for result in results):
        await asyncio.sleep(_LOOK)
        results = _judge(wanted, evidence, notebook)
    deadline = time.monotonic() + _SETTLED  # notices to senders travel after the evidence
    while time.monotonic() < deadline and any(result.problems for result in results):
        await asyncio.sleep(_LOOK)
        results = _judge(wanted, evidence, notebook)
    found = tuple(leaks(notebook))
    return TrialResult(results=tuple(results), leaks=found, seconds=time.monotonic() - started)


def _judge(wanted: Sequence[Cell], evidence: EvidenceLog, notebook: Notebook) -> list[CellResult]:
    records: dict[tuple[str, str], list[StoredEvidence]] = {}
    for record in evidence.search(EvidenceFilter(), limit=1000):
        if parties := record.parties:
            records.setdefault((parties.sender, parties.recipient), []).append(record)
    return [judge_cell(cell, records.get((cell.setting.sender, cell.recipient), []), notebook) for cell in wanted]


def _send(port: int, wanted: Sequence[Cell]) -> None:
    """Hand the messages in as a mail server of the organization would."""
    context = ssl.create_default_context()
    context.check_hostname = False  # the node's certificate is self-signed, and on loopback
    context.verify_mode = ssl.CERT_NONE
    with smtplib.SMTP("127.0.0.1", port, local_hostname="mailstore.corp.test", timeout=PATIENCE) as client:
        client.starttls(context=context)
        for cell in wanted:
            message = EmailMessage()
            message["From"], message["To"] = cell.setting.sender, cell.recipient
            message["Subject"] = f"{cell.destination.name}, {cell.setting.title}"
            message["X-Trial"] = cell.name
            message.set_content(f"To a destination with: {cell.destination.name}.\n")
            client.send_message(message)
