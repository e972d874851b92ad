"""`percorso doctor`."""

import asyncio
import ipaddress
from typing import Annotated, Final

import typer

from percorso.cli.node import ConfigOption, JsonOption, configuration, stores
from percorso.cli.output import note, say, show_findings, write_json
from percorso.cli.starters import Starters
from percorso.operations.doctor.examine import examine, healthy
from percorso.operations.doctor.finding import Finding, Health
from percorso.operations.doctor.patient import Patient

_MARKS: Final = {
    Health.OK: ("✓ ok", "green"),
    Health.WARN: ("! warn", "yellow"),
    Health.FAIL: ("✗ FAIL", "bold red"),
    Health.UNKNOWN: ("? unknown", "dim"),
}


def add(app: typer.Typer, starters: Starters) -> None:
    """Add the verb."""

    @app.command()
    def doctor(
        target: Annotated[
            list[str] | None,
            typer.Option(
                metavar="DOMAIN|HOST:PORT",
                show_default=False,
                help="Try the way out with these, instead of Gmail's servers on 25 and 587; may be given again.",
            ),
        ] = None,
        address: Annotated[
            list[str] | None,
            typer.Option(metavar="IP", show_default=False, help="The public address that our mail comes from."),
        ] = None,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Examine this node: ports, DNS, names, SPF, clock, disk, files, certificates, open relay, settings, hosts.

        Nothing is changed and no message is sent. Exit code 1 where something fails.

        Example: percorso doctor --address 192.0.2.25
        """
        targets = tuple(map(_target, target or ()))
        addresses = tuple(map(_address, address or ()))
        findings = asyncio.run(_examine(starters, config, targets, addresses))
        if json:
            write_json(findings)
        else:
            _show(findings)
        raise typer.Exit(0 if healthy(findings) else 1)


async def _examine(
    starters: Starters, config: ConfigOption, targets: tuple[str, ...], addresses: tuple[str, ...]
) -> list[Finding]:
    node = configuration(config)
    opened = stores(starters, config)
    store = opened.settings() if opened.folder.exists() else None
    newest = store.newest() if store else None
    patient = Patient(
        configuration=node,
        document=store.document(newest.version) if store and newest and newest.version else None,
        last_change=newest.at if newest else 0.0,
        secrets=frozenset(opened.secrets().names()),
        network=starters.network(node),
        targets=targets,
        addresses=addresses,
    )
    note("examining …")
    return await examine(patient, lambda name, left: note(f"{name}: done{f', {left} to go' if left else ''}"))


def _target(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if colon and (not host or not port.isdecimal() or not 0 < int(port) < 65536):
        raise typer.BadParameter(f"--target: {text!r} is no DOMAIN or HOST:PORT")
    return text


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise typer.BadParameter(f"--address: {text!r} is no IP address") from None


def _show(findings: list[Finding]) -> None:
    show_findings([(*_MARKS[one.health], one.check, one.seen, one.mend) for one in findings])
    count = {health: sum(one.health is health for one in findings) for health in Health}
    told = [f"{number} {health}" for health, number in count.items() if number]
    say(", ".join(told), "bold red" if count[Health.FAIL] else "bold green")
