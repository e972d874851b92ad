"""`percorso send`."""

import sys
from email.policy import SMTP
from pathlib import Path
from typing import Annotated

import typer

from percorso.cli.node import ConfigOption, JsonOption, configuration
from percorso.cli.output import complain, note, say, write_json
from percorso.cli.starters import Starters
from percorso.core.mail.address import BadAddress, parse_address, parse_path
from percorso.operations.send import Parcel, compose
from percorso.operations.send import send as hand_in


def add(app: typer.Typer, starters: Starters) -> None:
    """Add the verb."""
    del starters
    app.command()(send)


def send(  # noqa: PLR0913 (the options of one verb)
    *,
    sender: Annotated[str, typer.Option("--from", metavar="ADDRESS", help="The sender; <> is the null sender.")],
    to: Annotated[list[str], typer.Option("--to", metavar="ADDRESS", help="A recipient; may be given again.")],
    subject: Annotated[str, typer.Option(help="The subject.")] = "A test message",
    body: Annotated[str, typer.Option(help="The text.")] = "Sent by `percorso send`.",
    file: Annotated[
        Path | None, typer.Option(metavar="FILE", show_default=False, help='A whole message instead; "-" reads it.')
    ] = None,
    server: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Default: the configuration's first listener for relay.")
    ] = "",
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Hand one message in to a listener, over TLS if it offers that. Exit code 1 where it is refused.

    Example: percorso send --from anna@corp.test --to bob@bank.test --subject '\\[secure] offer'
    """
    _check(sender, to)
    recipients = tuple(to)
    content = _content(file) if file else compose(sender, recipients, subject, body).as_bytes(policy=SMTP)
    host, port, implicit = _server(server, config)
    parcel = Parcel(
        host=host,
        port=port,
        sender="" if sender == "<>" else sender,
        recipients=recipients,
        content=content,
        tls="implicit" if implicit else "offered",
    )
    receipt = hand_in(parcel, note)
    if json:
        write_json(receipt)
    else:
        for recipient, reply in receipt.refused.items():
            complain(f"{recipient}: refused: {reply}")
        what = "accepted" if receipt.accepted else "refused"
        say(f"{what} ({receipt.tls or 'in plaintext'}): {receipt.reply}")
    raise typer.Exit(0 if receipt.accepted and not receipt.refused else 1)


def _check(sender: str, recipients: list[str]) -> None:
    try:
        parse_path("" if sender == "<>" else sender)
        for recipient in recipients:
            parse_address(recipient)
    except BadAddress as error:
        raise typer.BadParameter(str(error)) from None


def _content(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read ({error.strerror})") from None


def _server(text: str, config: Path | None) -> tuple[str, int, bool]:
    """Where to hand in: host, port, and whether TLS comes first there."""
    if text:
        host, _, port = text.rpartition(":")
        if not host or not port.isdecimal():
            raise typer.BadParameter(f"--server: {text!r} is no HOST:PORT")
        return host.strip("[]"), int(port), port == "465"
    listeners = configuration(config).listener
    listener = next((one for one in listeners if one.role == "relay"), None)
    if listener is None:
        raise typer.BadParameter("every listener is for accounts; give --server, or send with a mail program's account")
    host, _, port = listener.address.rpartition(":")
    host = host.strip("[]")
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), int(port), listener.tls == "implicit"  # noqa: S104 (compared)
