"""The examination: every check at once, each within its time, each telling when it is done."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from percorso.operations.doctor import (
    certificates,
    clock,
    disk,
    dkim,
    files,
    names,
    ports,
    relay,
    resolver,
    settings,
    spf,
)
from percorso.operations.doctor.finding import Finding, Health, unknown
from percorso.operations.doctor.patient import Patient

PATIENCE: Final = 45.0  # seconds for one check

Check = Callable[[Patient], Awaitable[list[Finding]]]
Done = Callable[[str, int], None]
"""Told the name of each check as it ends, and how many are still under way."""

CHECKS: Final[dict[str, Check]] = {
    "outbound ports": ports.check,
    "resolver": resolver.check,
    "names": names.check,
    "SPF": spf.check,
    "DKIM": dkim.check,
    "clock": clock.check,
    "disk": disk.check,
    "files": files.check,
    "certificates": certificates.check,
    "open relay": relay.check,
    "settings": settings.check,
}
"""In the order in which their findings are shown."""


async def examine(patient: Patient, done: Done = lambda _name, _left: None) -> list[Finding]:
    """All findings, in the order of the checks."""
    left = set(CHECKS)

    async def run(name: str, check: Check) -> list[Finding]:
        try:
            async with asyncio.timeout(PATIENCE):
                return await check(patient)
        except TimeoutError:
            return [unknown(name, f"this took longer than {PATIENCE:.0f} s", "examine again when less is going on")]
        finally:
            left.discard(name)
            done(name, len(left))

    found = await asyncio.gather(*(run(name, check) for name, check in CHECKS.items()))
    return [finding for findings in found for finding in findings]


def healthy(findings: list[Finding]) -> bool:
    """Whether nothing fails."""
    return all(finding.health is not Health.FAIL for finding in findings)
