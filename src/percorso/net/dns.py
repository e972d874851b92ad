"""DNS over UDP and TCP, with a cache: the `Resolver` port on real sockets.

1. The recursive resolver does the work; we ask it with RD, AD and EDNS, so that it says what it validated.
2. AD is believed only from loopback or where the administrator trusts the path (RFC 4035, 4.9.3).
3. An answer counts only if it comes from the server asked, with the id and the question sent (RFC 5452, 9).
4. SERVFAIL, REFUSED, nonsense and silence are `LookupFailed`, which is not kept: the next question asks again.
5. What is being asked already is not asked twice.
"""

import asyncio
import contextlib
import ipaddress
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import msgspec

from percorso.net.listening import split_address
from percorso.ports.clock import Clock
from percorso.ports.resolver import Answer, LookupFailed, RecordType

PAYLOAD: Final = 1232  # octets of a UDP answer that no path fragments
ROUNDS: Final = 3  # times every server is asked
PATIENCE: Final = 2.0  # seconds for one server's answer
MAX_SOCKETS: Final = 200  # open at once: what is asked beyond that waits for its turn
MAX_KEPT: Final = 50_000  # answers
MAX_TTL: Final = 86_400.0  # seconds
NEGATIVE_TTL: Final = 60.0  # seconds for "there is none" without an SOA (RFC 2308, 5, asks for none at all)
MAX_ALIASES: Final = 10


def system_servers(resolv_conf: Path = Path("/etc/resolv.conf")) -> tuple[str, ...]:
    """The machine's resolvers as "IP:port"; loopback where it names none (resolv.conf(5))."""
    servers = []
    with contextlib.suppress(OSError):
        for line in resolv_conf.read_text(encoding="utf-8", errors="replace").splitlines():
            words = line.split()
            if len(words) > 1 and words[0] == "nameserver":
                servers.append(f"[{words[1]}]:53" if ":" in words[1] else f"{words[1]}:53")
    return tuple(servers) or ("127.0.0.1:53",)


class DnsResolver:
    """Asks recursive resolvers, one after the other, and keeps their answers by TTL."""

    def __init__(
        self, servers: Sequence[str], clock: Clock, *, trust_ad: bool = False, patience: float = PATIENCE
    ) -> None:
        """`servers` are "IP:port"; `patience` is the wait for one answer, in seconds."""
        self._servers = [split_address(server) for server in servers]
        self._clock = clock
        self._trust_ad = trust_ad
        self._patience = patience
        self._sockets = asyncio.Semaphore(MAX_SOCKETS)
        self._kept: dict[tuple[str, RecordType], tuple[float, Answer]] = {}
        self._asking: dict[tuple[str, RecordType], asyncio.Future[Answer]] = {}

    async def query(self, name: str, record_type: RecordType) -> Answer:
        """Raises `LookupFailed`."""
        key = (name.lower().removesuffix("."), record_type)
        kept = self._kept.get(key)
        if kept and (left := kept[0] - self._clock.monotonic()) > 0:
            return msgspec.structs.replace(kept[1], ttl=left)
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.ensure_future(self._ask(*key))
            asking.add_done_callback(lambda done: self._answered(key, done))
        return await asyncio.shield(asking)  # one who gives up does not end it for the others

    def _answered(self, key: tuple[str, RecordType], done: "asyncio.Future[Answer]") -> None:
        del self._asking[key]
        if done.cancelled() or done.exception():
            return
        answer = done.result()
        self._kept.pop(key, None)
        if len(self._kept) >= MAX_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = (self._clock.monotonic() + min(answer.ttl, MAX_TTL), answer)

    async def _ask(self, name: str, record_type: RecordType) -> Answer:
        question = _question(name, record_type)
        said = "no resolver is configured"
        for _ in range(ROUNDS):
            for server in self._servers:
                try:
                    async with self._sockets:
                        answer = await self._ask_server(server, question)
                except (OSError, TimeoutError, dns.exception.DNSException) as error:
                    said = f"{server[0]}: {_words(error)}"
                    continue
                if answer.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                    return _read(answer, name, record_type, authenticated=self._believes(server[0], answer))
                said = f"{server[0]}: {dns.rcode.to_text(answer.rcode())}"
            question.id = secrets.randbelow(65536)
        raise LookupFailed(f"{record_type} of {name}: {said}")

    async def _ask_server(self, server: tuple[str, int], question: dns.message.Message) -> dns.message.QueryMessage:
        async with asyncio.timeout(self._patience):
            answer = await _over_udp(server, question)
        if answer.flags & dns.flags.TC:
            async with asyncio.timeout(2 * self._patience):
                answer = await _over_tcp(server, question)
        return answer

    def _believes(self, server: str, answer: dns.message.Message) -> bool:
        trusted = self._trust_ad or ipaddress.ip_address(server).is_loopback
        return trusted and bool(answer.flags & dns.flags.AD)


def _question(name: str, record_type: RecordType) -> dns.message.Message:
    try:
        qname = dns.name.from_text(name)
    except dns.exception.DNSException as error:
        raise LookupFailed(f"{name[:80]!r} cannot be looked up: {error}") from None
    question = dns.message.make_query(qname, record_type, use_edns=0, payload=PAYLOAD)
    question.flags |= dns.flags.AD  # RFC 6840, 5.7
    return question


def _read(answer: dns.message.QueryMessage, name: str, record_type: RecordType, *, authenticated: bool) -> Answer:
    """The records at the end of the aliases. Nonsense is `LookupFailed`."""
    try:
        chain = answer.resolve_chaining()
    except dns.exception.DNSException as error:
        raise LookupFailed(f"{record_type} of {name}: {_words(error)}") from None
    if len(chain.cnames) > MAX_ALIASES:
        raise LookupFailed(f"{record_type} of {name}: more than {MAX_ALIASES} aliases")
    records = tuple(item.to_text() for item in chain.answer) if chain.answer is not None else ()
    has_soa = any(rrset.rdtype == dns.rdatatype.SOA for rrset in answer.authority)
    return Answer(
        name=chain.canonical_name.to_text(omit_final_dot=True).lower(),
        records=records,
        exists=answer.rcode() != dns.rcode.NXDOMAIN,
        authenticated=authenticated,
        ttl=float(chain.minimum_ttl) if records or has_soa else NEGATIVE_TTL,
    )


def _words(error: Exception) -> str:
    return "no answer" if isinstance(error, TimeoutError) else str(error) or type(error).__name__


def _parsed(wire: bytes, question: dns.message.Message) -> dns.message.QueryMessage | None:
    """The answer to the question; None for what is not, a forger may have sent it."""
    with contextlib.suppress(dns.exception.DNSException):
        answer = dns.message.from_wire(wire, ignore_trailing=True, raise_on_truncation=False)
        if question.is_response(answer) and isinstance(answer, dns.message.QueryMessage):
            return answer
    return None


class _Datagram(asyncio.DatagramProtocol):
    """Waits for the one datagram that answers the question."""

    def __init__(self, question: dns.message.Message) -> None:
        self._question = question
        self.answer: asyncio.Future[dns.message.QueryMessage] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, _address: object) -> None:
        """Take the answer."""
        answer = _parsed(data, self._question)
        if answer is not None and not self.answer.done():
            self.answer.set_result(answer)

    def error_received(self, error: Exception) -> None:
        """The server's machine refused the datagram."""
        if not self.answer.done():
            self.answer.set_exception(error)


async def _over_udp(server: tuple[str, int], question: dns.message.Message) -> dns.message.QueryMessage:
    # A socket of its own for each question: the kernel gives it a port that cannot be foretold (RFC 5452, 9.2).
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(lambda: _Datagram(question), remote_addr=server)
    try:
        transport.sendto(question.to_wire())
        return await protocol.answer
    finally:
        transport.close()


async def _over_tcp(server: tuple[str, int], question: dns.message.Message) -> dns.message.QueryMessage:
    reader, writer = await asyncio.open_connection(*server)
    try:
        wire = question.to_wire()
        writer.write(len(wire).to_bytes(2, "big") + wire)
        length = int.from_bytes(await reader.readexactly(2), "big")
        answer = _parsed(await reader.readexactly(length), question)
    except asyncio.IncompleteReadError:
        raise OSError("the answer over TCP was cut short") from None
    finally:
        writer.close()
    if answer is None:
        raise OSError("the answer over TCP is not for the question")
    return answer
