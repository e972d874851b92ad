"""One server tried: connect, greeting, EHLO, STARTTLS, handshake, certificate, EHLO again, and the judgement.

As delivery does it, with the same offer and the same judge, but going on past what would stop mail, to see more.
"""

import contextlib
import time
from collections.abc import Callable
from typing import Final, NoReturn

import msgspec

from percorso.core.delivery.mends import MENDS, By, Mend
from percorso.core.smtp.result import Answer, Stage
from percorso.core.tls.handshake import Certificate, Handshake
from percorso.core.tls.judge import judge
from percorso.core.tls.names import any_name_matches
from percorso.core.tls.requirement import ENCRYPTED, IdentityClause, Requirement, TlsVersion
from percorso.core.tls.result import FailureType, SecureTransportFailure
from percorso.delivery.connection import Connection, Lost
from percorso.delivery.way import Way
from percorso.operations.network import Network
from percorso.ports.dialer import ConnectFailed, Stream, TlsFailed

CONNECT_TIMEOUT: Final = 15.0  # seconds
TLS_TIMEOUT: Final = 20.0
REPLY_TIMEOUT: Final = 60.0

LEVELS: Final = {
    "encrypted": ENCRYPTED,
    "ca": Requirement(encrypted=True, identity=(IdentityClause(ca=True),)),
    "host": Requirement(encrypted=True, identity=(IdentityClause(ca=True, host=True),)),
}
"""The plain requirements, each stronger than the one before."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step with what was seen; `mend` says what to do where it is not well."""

    server: str  # empty before there is one
    name: str
    well: bool
    seen: str
    mend: str = ""
    by: str = ""  # who has to mend it
    seconds: float = 0.0


class ServerReport(msgspec.Struct, frozen=True, kw_only=True):
    """One server, whole."""

    server: str
    met: bool
    """Whether it was reached and meets the requirement."""
    level: str
    """The strongest plain requirement that it meets: "host", "ca", "encrypted", or "none"."""
    failure: str = ""
    """The typed secure-transport failure; empty also where it was not reached."""
    tls: str = ""
    chain: tuple[Certificate, ...] = ()
    requiretls: bool = False


Tell = Callable[[Step], None]


class _Stop(Exception):
    """Nothing more can be tried with this server."""


class Trial:
    """One server."""

    def __init__(self, network: Network, way: Way, tell: Tell) -> None:
        self._network = network
        self._way = way
        self._tell = tell
        self._began = time.monotonic()
        self._handshake = Handshake()
        self._failure: SecureTransportFailure | None = None
        self._reached = False

    async def run(self) -> ServerReport:
        """Every step, as far as the server lets us."""
        try:
            stream = await self._connect()
            try:
                await self._talk(Connection(stream, str(self._way.target), max_wait=REPLY_TIMEOUT))
            finally:
                stream.close()
        except _Stop:
            pass
        failure = self._failure or (self._judged() if self._reached else None)
        handshake = self._handshake
        return ServerReport(
            server=str(self._way.target),
            met=self._reached and failure is None,
            level=_level(handshake),
            failure=str(failure or ""),
            tls=f"TLS {TlsVersion(handshake.version)} {handshake.cipher}" if handshake.encrypted else "",
            chain=handshake.chain,
            requiretls=handshake.requiretls_offered,
        )

    async def _talk(self, connection: Connection) -> None:
        if self._way.target.implicit_tls:
            await self._shake_hands(connection.stream)
            await self._hello(connection, "EHLO over TLS")
        else:
            await self._hello(connection, "EHLO")
            await self._starttls(connection)
            await self._shake_hands(connection.stream)
            connection.session.tls_established()
            await self._hello(connection, "EHLO over TLS")
        if connection.session.capabilities.offers("REQUIRETLS"):
            self._handshake = msgspec.structs.replace(self._handshake, requiretls_offered=True)
        self._reached = True
        self._requirement()
        connection.session.quit()
        with contextlib.suppress(Lost):  # it has said all that was asked
            await connection.ask_simply()

    # The steps.

    async def _connect(self) -> Stream:
        try:
            stream = await self._network.dialer.connect(self._way.target, timeout=CONNECT_TIMEOUT)
        except ConnectFailed as error:
            mend = "see that the server runs and no firewall is between; `percorso doctor` tells whether we can get out"
            self._bad("connect", str(error), mend, By.RECEIVER)
            raise _Stop from None
        self._good("connect", "connected")
        return stream

    async def _hello(self, connection: Connection, name: str) -> None:
        connection.session.hello(self._network.name, allow_helo=self._way.requirement.opportunistic)
        answer = await self._ask(connection, name)
        if not answer.reply.positive:
            name = "greeting" if answer.stage is Stage.CONNECT else name
            self._bad(name, str(answer.reply), "look into the server's log why it refuses us", By.RECEIVER)
            raise _Stop
        keywords = " ".join(sorted(connection.session.capabilities.keywords))
        self._good(name, f"{answer.reply.code}; offers {keywords or 'nothing'}")

    async def _starttls(self, connection: Connection) -> None:
        if not connection.session.capabilities.offers("STARTTLS"):
            self._fail("STARTTLS", FailureType.STARTTLS_NOT_SUPPORTED, "not offered")
        connection.session.starttls()
        answer = await self._ask(connection, "STARTTLS")
        if not answer.reply.positive:
            self._fail("STARTTLS", FailureType.STARTTLS_NOT_SUPPORTED, f"answered {answer.reply}")
        self._good("STARTTLS", str(answer.reply))

    async def _shake_hands(self, stream: Stream) -> None:
        try:
            self._handshake = await stream.start_tls(self._way.offer, timeout=TLS_TIMEOUT)
        except TlsFailed as error:
            self._fail("handshake", error.failure, str(error))
        handshake = self._handshake
        self._good("handshake", f"TLS {TlsVersion(handshake.version)}, {handshake.cipher}")
        self._chain(handshake)
        self._name(handshake)

    def _chain(self, handshake: Handshake) -> None:
        for ca_file, verdict in handshake.verdicts.items():
            where = ca_file or "the trust store"
            if verdict.trusted:
                self._good("chain", f"{len(handshake.chain)} certificates, trusted by {where}")
            else:
                expired = FailureType.CERTIFICATE_EXPIRED if verdict.expired else FailureType.CERTIFICATE_NOT_TRUSTED
                self._identity("chain", f"not trusted by {where}: {verdict.error}", MENDS[expired])

    def _name(self, handshake: Handshake) -> None:
        names = handshake.chain[0].names if handshake.chain else ()
        seen = f"the certificate is for {', '.join(names[:10]) or 'nobody'}"
        if any_name_matches(names, (handshake.reference_name,)):
            self._good("name", seen)
        else:
            mend = MENDS[FailureType.CERTIFICATE_HOST_MISMATCH]
            self._identity("name", f"{seen}, not {handshake.reference_name}", mend)

    def _identity(self, name: str, seen: str, mend: Mend) -> None:
        """What the certificate does not prove: a fault only where the requirement asks for it."""
        if judge(msgspec.structs.replace(self._way.requirement, requiretls=False), self._handshake).met:
            self._good(name, f"{seen}; that is not required")
        else:
            self._bad(name, seen, mend.text, mend.by)

    def _requirement(self) -> None:
        failure = self._judged()
        requirement = self._way.requirement
        if failure is None:
            self._good("requirement", f"met ({requirement})")
            return
        mend = MENDS[failure.type]
        chain = self._handshake.chain
        if chain and self._way.pins and chain[0].spki not in self._way.pins:
            mend = Mend(
                by=By.US, text=f"if the new key is known to be the server's, make it the `pin`: {chain[0].spki}"
            )
        self._bad("requirement", f"not met ({requirement}): {failure}", mend.text, mend.by)

    # What they have in common.

    def _judged(self) -> SecureTransportFailure | None:
        return judge(self._way.requirement, self._handshake).failure

    async def _ask(self, connection: Connection, name: str) -> Answer:
        try:
            return await connection.ask_simply()
        except Lost as lost:
            self._bad(name, lost.reply.text, "look into the server's log why it gave up on us", By.RECEIVER)
            raise _Stop from None

    def _good(self, name: str, seen: str) -> None:
        self._step(Step(server="", name=name, well=True, seen=seen))

    def _bad(self, name: str, seen: str, mend: str, by: str) -> None:
        self._step(Step(server="", name=name, well=False, seen=seen, mend=mend, by=by))

    def _fail(self, name: str, failure: FailureType, seen: str) -> NoReturn:
        """A failure after which there is no TLS to look at. Mail that requires nothing would go on in plaintext."""
        self._reached = True
        self._failure = None
        if not self._way.requirement.opportunistic:
            self._failure = SecureTransportFailure(type=failure, detail=seen)
        self._bad(name, seen, MENDS[failure].text, MENDS[failure].by)
        raise _Stop

    def _step(self, step: Step) -> None:
        now = time.monotonic()
        self._tell(msgspec.structs.replace(step, server=str(self._way.target), seconds=now - self._began))
        self._began = now


def _level(handshake: Handshake) -> str:
    met = [level for level, requirement in LEVELS.items() if judge(requirement, handshake).met]
    return met[-1] if met else "none"
