"""`percorso bench`: how fast one node is on this machine, from a source over the node to a sink, all on loopback.

The settings are small and the evidence log is empty; TLS is required and proved on the way out.
"""

import argparse
import asyncio
import datetime
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from percorso.lab.certificates import Authority
from percorso.lab.dns_server import DnsServer, Zone
from percorso.lab.load import usage
from percorso.lab.load.measure import Ends, Figures, measure, source_and_sink
from percorso.lab.load.measure import Progress as Update
from percorso.lab.load.source import LoadPlan, SourceFailed
from percorso.lab.node import Node, NodeFailed, NodePlan

MX = "mx.bench.test"
SINK_ADDRESS = "127.0.0.1"
ZONE: Zone = {("bench.test", "MX"): (f"10 {MX}.",), (MX, "A"): (SINK_ADDRESS,)}
_WARM_UP = 400  # messages
SETTINGS = """\
[organization]
domains = ["corp.test"]

[[tls_compliance]]
name = "TLS for all"
all = true
"""


class BenchOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What may be asked of the run."""

    messages: int = 5000
    connections: int = 20
    size: int = 10 * 1024  # octets of a message
    workers: int = 1
    as_json: bool = False


@contextmanager
def dns_in_background(zone: Zone) -> Iterator[int]:
    """A DNS server on a loop and thread of its own; gives its port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = DnsServer(zone)
    try:
        yield asyncio.run_coroutine_threadsafe(server.start(), loop).result()
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def run_bench(options: BenchOptions) -> int:
    """The verb: measures and prints; 0 if every message arrived once, 1 if not, 2 if this system cannot measure."""
    errors = Console(stderr=True)
    if not usage.available():
        errors.print("`percorso bench` reads CPU and memory from /proc, which this system lacks.")
        return 2
    try:
        figures = _measured(options, errors)
    except (NodeFailed, SourceFailed) as failure:
        errors.print(f"The run failed. {failure}", style="red", markup=False)
        return 1
    if options.as_json:
        sys.stdout.write(msgspec.json.encode(figures).decode() + "\n")
    else:
        Console().print(_table(figures))
    return 1 if figures.lost or figures.doubled else 0


def _measured(options: BenchOptions, errors: Console) -> Figures:
    # Without a refreshing thread: source and sink are forked.
    bar = Progress(console=errors, auto_refresh=False)
    with tempfile.TemporaryDirectory(prefix="percorso-bench-") as temporary, bar:
        folder = Path(temporary)
        task = bar.add_task(f"{options.messages} messages", total=options.messages)
        authority = Authority(folder, now=datetime.datetime.now(datetime.UTC))
        pair = authority.issue(MX)
        count = max(options.messages, _WARM_UP)
        with (
            source_and_sink(pair.certificate, pair.key, count, address=SINK_ADDRESS) as ends,
            dns_in_background(ZONE) as dns_port,
        ):
            plan = NodePlan(
                folder=folder, ca_file=authority.ca_file, dns_port=dns_port, delivery_port=ends.port,
                settings=SETTINGS, workers=options.workers, concurrency=options.connections,
            )  # fmt: skip
            node = Node(plan)
            try:
                node.start()
                return _through(
                    node, ends, options, lambda taken, _all: bar.update(task, completed=taken, refresh=True)
                )
            finally:
                node.stop()


def _through(node: Node, ends: Ends, options: BenchOptions, update: Update) -> Figures:
    plan = LoadPlan(
        address="127.0.0.1", port=node.port, messages=_WARM_UP, connections=options.connections, size=options.size
    )
    measure(plan, ends, node.process)
    return measure(msgspec.structs.replace(plan, messages=options.messages), ends, node.process, update)


def _table(figures: Figures) -> Table:
    shown = Table(title=f"{figures.messages} messages over TLS 1.3 in and out", show_header=False)
    for name, value in (
        ("rate, end to end", f"{figures.rate:,.0f} messages/s"),
        ("CPU, all processes of the node", f"{figures.cpu_ms:.3f} ms a message"),
        ("final dot to 250, median", f"{figures.ack_p50_ms:.1f} ms"),
        ("final dot to 250, 99th percentile", f"{figures.ack_p99_ms:.1f} ms"),
        ("memory, peak", f"{figures.memory_mib:.0f} MiB"),
        ("lost, doubled", f"{figures.lost}, {figures.doubled}"),
    ):
        shown.add_row(name, value)
    return shown


def bench(arguments: Sequence[str]) -> int:
    """The verb with its arguments; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="percorso bench",
        description="Measure one node on this machine: messages over TLS from a source over the node to a sink, all on "
        "loopback.",
        epilog="Example: percorso bench --messages 20000",
    )
    parser.add_argument("--json", action="store_true", dest="as_json", help="print the figures as JSON")
    default = BenchOptions()
    for name, meaning in (
        ("messages", "messages to send"),
        ("connections", "connections of the source, and to the sink"),
        ("size", "octets of a message"),
        ("workers", "worker processes of the node"),
    ):
        value = getattr(default, name)
        parser.add_argument(f"--{name}", type=_positive, default=value, help=f"{meaning} (default: {value})")
    return run_bench(BenchOptions(**vars(parser.parse_args(arguments))))


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number
