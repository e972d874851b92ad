"""For all tests: those that need a missing real peer are skipped, and the closing table says which and why."""

from collections import defaultdict

import pytest

from tests.peers import peers_are_required, why_missing

SKIP_PREFIX = "missing peer "


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("peer"):
        peer = str(marker.args[0])
        reason = why_missing(peer)
        if reason is None:
            continue
        if peers_are_required():
            pytest.fail(f"{SKIP_PREFIX}{peer}: {reason}; `scripts/peers.sh` installs it", pytrace=False)
        pytest.skip(f"{SKIP_PREFIX}{peer}: {reason}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped: dict[str, list[str]] = defaultdict(list)
    for report in terminalreporter.stats.get("skipped", []):
        reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        _, found, peer = reason.partition(SKIP_PREFIX)
        if found:
            skipped[peer].append(report.nodeid)
    if not skipped:
        return
    terminalreporter.section("real peers missing on this machine")
    for peer, tests in sorted(skipped.items()):
        terminalreporter.write_line(f"{peer} ({len(tests)} tests not run)")
        for test in tests:
            terminalreporter.write_line(f"    {test}")
    terminalreporter.write_line("On Debian, `scripts/peers.sh` as root installs them.")
