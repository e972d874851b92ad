"""`percorso test-tls`."""

import asyncio
import ipaddress
import time
from typing import Annotated, Final, Literal

import typer

from percorso.cli.node import ConfigOption, JsonOption, configuration, stores
from percorso.cli.output import moment, say, show_facts, show_findings, write_json
from percorso.cli.starters import Starters
from percorso.core.mail.address import BadAddress, parse_domain
from percorso.core.tls.handshake import Certificate
from percorso.operations.test_tls import Destination, Report, try_tls
from percorso.operations.tls_trial import ServerReport, Step

_GOOD: Final = ("✓", "green")
_BAD: Final = ("✗", "bold red")


def add(app: typer.Typer, starters: Starters) -> None:
    """Add the verb."""

    @app.command("test-tls")
    def test_tls(
        destination: Annotated[str, typer.Argument(metavar="DOMAIN|HOST:PORT", show_default=False)],
        require: Annotated[
            Literal["", "encrypted", "ca", "host"],
            typer.Option(
                metavar="encrypted|ca|host",
                show_default=False,
                help="Test against this instead of what the settings in force require.",
            ),
        ] = "",
        implicit: Annotated[
            bool, typer.Option("--implicit", help="HOST:PORT begins with TLS; port 465 always does.")
        ] = False,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Try the TLS of a domain's mail servers, or of one server, step by step. Sends no message.

        Exit code 1 where a server does not meet the requirement, or there is none.

        Example: percorso test-tls bank.test --require host
        """
        where = _destination(destination, implicit=implicit)
        node = configuration(config)
        source = stores(starters, config).settings_at(None)
        tell = (lambda _: None) if json else _Steps().show
        report = asyncio.run(try_tls(where, source, starters.network(node), require, tell))
        if json:
            write_json(report)
        else:
            _show(report)
        raise typer.Exit(0 if report.met else 1)


def _destination(text: str, *, implicit: bool) -> Destination:
    host, colon, port = text.rpartition(":")
    if not colon:
        return Destination(name=_domain(text))
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise typer.BadParameter(f"{text!r} is no DOMAIN or HOST:PORT")
    host = host.removeprefix("[").removesuffix("]")
    return Destination(
        name=host if _is_address(host) else _domain(host), port=int(port), implicit_tls=implicit or port == "465"
    )


def _domain(text: str) -> str:
    try:
        return parse_domain(text)
    except BadAddress as error:
        raise typer.BadParameter(str(error)) from None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


class _Steps:
    """Shows steps as they come, under the server that they are of."""

    def __init__(self) -> None:
        self._server = ""

    def show(self, step: Step) -> None:
        """One step."""
        if step.server != self._server:
            self._server = step.server
            say(step.server, "bold")
        mend = f"{step.mend} ({step.by})" if step.mend else ""
        mark = _GOOD if step.well else _BAD
        took = f" [{step.seconds * 1000:.0f} ms]" if step.seconds >= 0.001 else ""
        show_findings([(*mark, step.name.ljust(13), f"{step.seen}{took}", mend)])


def _show(report: Report) -> None:
    for server in report.servers:
        _show_chain(server)
    say(f"{report.destination}: required is {report.requirement} ({report.because})", "bold")
    for server in report.servers:
        verdict = "meets it" if server.met else f"does not meet it: {server.failure or 'not reached'}"
        say(f"  {server.server}: {verdict}; level {server.level}", "green" if server.met else "bold red")


def _show_chain(server: ServerReport) -> None:
    for number, certificate in enumerate(server.chain):
        say(f"{server.server}, certificate {number}", "bold")
        show_facts(_facts(certificate), indent=2)


def _facts(certificate: Certificate) -> list[tuple[str, str]]:
    now = time.time()
    ended = " (EXPIRED)" if certificate.not_after < now else ""
    return [
        ("subject", certificate.subject),
        ("names", ", ".join(certificate.names)),
        ("issuer", certificate.issuer),
        ("valid", f"{moment(certificate.not_before)} to {moment(certificate.not_after)}{ended}"),
        ("key", f"SHA-256 {certificate.spki}"),
        ("fingerprint", f"SHA-256 {certificate.fingerprint}"),
        ("purpose", "" if certificate.server_purpose else "not for a TLS server"),
    ]
