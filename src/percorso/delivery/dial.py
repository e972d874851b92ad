"""Open a connection: greeting, EHLO, STARTTLS, handshake, EHLO again, AUTH (RFC 5321, 3.1 and 3.2; RFC 3207, 4954).

What stops it is told exactly, because a typed secure-transport failure may divert mail and an unreachable server must
not:

| seen | secure transport required | opportunistic |
| --- | --- | --- |
| no connection, or lost or refused before EHLO was answered | unreachable | unreachable |
| 4xx or 5xx to EHLO, HELO only, no STARTTLS, 4xx or 5xx to it | `starttls-not-supported` | goes on in plaintext |
| a 421 to STARTTLS | `starttls-not-supported` | anew in plaintext |
| lost, timed out or garbage after STARTTLS; handshake failed | `tls-handshake-failure` | anew in plaintext |
| lost once encrypted, before EHLO was answered | as `judge` says; unreachable where met | anew in plaintext |
| 4xx or 5xx to EHLO once encrypted | as `judge` says; unreachable where met | unreachable |

A host that wants a password of ours gets it last of all, over a connection that meets the requirement and is encrypted;
where it does not let us in, it is unreachable.

A handshake that finds no version in common is `tls-version-too-low`. "Anew" is a new connection to the same target.
The last but one is for TLS 1.3, where a server that refuses our handshake can say so only after it looks done to us.
"""

from typing import NoReturn

import msgspec

from percorso.core.delivery.outcome import Unmet, Unreachable
from percorso.core.mail.reply import Reply
from percorso.core.smtp.auth import login as login_lines
from percorso.core.smtp.result import Answer, Stage
from percorso.core.tls.handshake import Handshake
from percorso.core.tls.judge import judge
from percorso.core.tls.result import FailureType, SecureTransportFailure
from percorso.delivery.connection import Connection, Lost
from percorso.delivery.options import DeliveryOptions
from percorso.delivery.way import Login, Way
from percorso.ports.dialer import ConnectFailed, Dialer, Stream, TlsFailed
from percorso.ports.queue import StoreError


class NoConnection(Exception):
    """The target cannot be used for this message; `outcome` says why, `handshake` what was seen of TLS."""

    def __init__(self, outcome: Unmet | Unreachable) -> None:
        super().__init__(str(outcome))
        self.outcome = outcome
        self.handshake = Handshake()


async def open_connection(dialer: Dialer, way: Way, options: DeliveryOptions) -> Connection:
    """A connection ready for MAIL, to be judged. Raises `NoConnection`."""
    stream = await _connect(dialer, way, options)
    connection = Connection(stream, str(way.target), max_wait=options.max_reply_wait)
    try:
        await _introduce(connection, way, options)
        if way.login is not None:
            await _log_in(connection, way, way.login, options)
    except NoConnection as error:
        error.handshake = connection.handshake
        connection.close()
        raise
    except BaseException:
        connection.close()
        raise
    return connection


async def _connect(dialer: Dialer, way: Way, options: DeliveryOptions) -> Stream:
    try:
        return await dialer.connect(way.target, timeout=options.connect_timeout)
    except ConnectFailed as error:
        reply = Reply(code=451, enhanced="4.4.1", text=f"{way.target}: {error}")
        raise NoConnection(Unreachable(reply=reply)) from error


async def _introduce(connection: Connection, way: Way, options: DeliveryOptions) -> None:
    if way.target.implicit_tls:
        await _shake_hands(connection, way, options)
    await _hello(connection, way, options)
    if way.target.implicit_tls:
        return
    if way.tls and await _agree_on_tls(connection):
        await _shake_hands(connection, way, options)
        connection.session.tls_established()
        await _hello(connection, way, options)
    elif not way.requirement.opportunistic:
        _fail(FailureType.STARTTLS_NOT_SUPPORTED, connection.handshake.refusal or "TLS was not asked for")


async def _hello(connection: Connection, way: Way, options: DeliveryOptions) -> None:
    connection.session.hello(options.hello_name, allow_helo=way.requirement.opportunistic)
    try:
        answer = await connection.ask_simply()
    except Lost as lost:
        if connection.handshake.encrypted and way.requirement.opportunistic:
            _fail(FailureType.TLS_HANDSHAKE_FAILURE, lost.reply.text, reconnect=True)
        if connection.handshake.encrypted:
            _stop_encrypted(connection, way, lost.reply)
        raise NoConnection(Unreachable(reply=lost.reply)) from lost
    if not answer.reply.positive:
        _refused(connection, way, answer)
    if connection.handshake.encrypted and connection.session.capabilities.offers("REQUIRETLS"):
        connection.handshake = msgspec.structs.replace(connection.handshake, requiretls_offered=True)


def _refused(connection: Connection, way: Way, answer: Answer) -> NoReturn:
    if connection.handshake.encrypted:
        _stop_encrypted(connection, way, answer.reply)
    if answer.stage is not Stage.CONNECT and not way.requirement.opportunistic:
        _fail(FailureType.STARTTLS_NOT_SUPPORTED, f"{answer.stage.upper()} was answered {answer.reply}")
    raise NoConnection(Unreachable(reply=answer.reply))


def _stop_encrypted(connection: Connection, way: Way, reply: Reply) -> NoReturn:
    """Stopped after the handshake: what the handshake proved decides. REQUIRETLS could not be offered yet."""
    demand = msgspec.structs.replace(way.requirement, requiretls=False)
    if failure := judge(demand, connection.handshake).failure:
        raise NoConnection(Unmet(failure=failure))
    raise NoConnection(Unreachable(reply=reply, requirement_met=True))


async def _agree_on_tls(connection: Connection) -> bool:
    """Whether the server is ready for the handshake; if not, the handshake facts say why."""
    if not connection.session.capabilities.offers("STARTTLS"):
        connection.handshake = Handshake(refusal="STARTTLS is not offered")
        return False
    connection.session.starttls()
    try:
        answer = await connection.ask_simply()
    except Lost as lost:
        _fail(FailureType.TLS_HANDSHAKE_FAILURE, lost.reply.text, reconnect=True)
    if answer.reply.positive:
        return True
    connection.handshake = Handshake(refusal=f"STARTTLS was answered {answer.reply}")
    if answer.reply.code == 421:  # RFC 5321, 3.8: it closes the connection
        _fail(FailureType.STARTTLS_NOT_SUPPORTED, connection.handshake.refusal, reconnect=True)
    return False


async def _shake_hands(connection: Connection, way: Way, options: DeliveryOptions) -> None:
    try:
        handshake = await connection.stream.start_tls(way.offer, timeout=options.tls_timeout)
    except TlsFailed as error:
        _fail(error.failure, str(error), reconnect=True)
    connection.handshake = msgspec.structs.replace(handshake, name_authenticated=way.target.name_authenticated)


async def _log_in(connection: Connection, way: Way, login: Login, options: DeliveryOptions) -> None:
    """Authenticate (RFC 4954). The password goes only where the message could go, and never in plaintext."""
    if failure := judge(way.requirement, connection.handshake).failure:
        raise NoConnection(Unmet(failure=failure))
    if not connection.handshake.encrypted:
        _not_known(way, "it does not speak TLS, and a password goes over TLS only")
    lines = login_lines(
        connection.session.capabilities.keywords.get("AUTH", ""), login.username, _password(way, login, options)
    )
    if not lines:
        _not_known(way, "it offers neither AUTH PLAIN nor AUTH LOGIN")
    connection.session.authenticate(lines)
    try:
        answer = await connection.ask_simply()
    except Lost as lost:
        raise NoConnection(Unreachable(reply=lost.reply, requirement_met=True)) from lost
    if not answer.reply.positive:
        _not_known(way, f"it refused the account {login.username}: {answer.reply}")


def _password(way: Way, login: Login, options: DeliveryOptions) -> str:
    try:
        return options.secret(login.secret).decode("utf-8")
    except LookupError as error:
        _not_known(way, str(error.args[0]))
    except (StoreError, UnicodeDecodeError) as error:
        _not_known(way, f"the secret {login.secret} cannot be used: {error}")


def _not_known(way: Way, why: str) -> NoReturn:
    """The administrator's to mend, so the mail waits; and no reason to take another way."""
    reply = Reply(code=451, enhanced="4.7.0", text=f"{way.target}: {why}")
    raise NoConnection(Unreachable(reply=reply, requirement_met=True))


def _fail(failure: FailureType, detail: str, *, reconnect: bool = False) -> NoReturn:
    raise NoConnection(Unmet(failure=SecureTransportFailure(type=failure, detail=detail), reconnect=reconnect))
