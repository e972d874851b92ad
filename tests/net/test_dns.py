"""The resolver against a DNS server on loopback that answers as each test says."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from percorso.net import dns as dns_module
from percorso.net.dns import DnsResolver, system_servers
from percorso.ports.resolver import LookupFailed
from tests.network.clock import VirtualClock

Reply = Callable[[dns.message.Message], list[bytes]]


class _Server(asyncio.DatagramProtocol):
    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.questions: list[dns.message.Message] = []
        self.over_tcp = 0
        self.late = 0.0
        """Seconds that it takes over each answer."""
        self.waiting = 0
        self.most_waiting = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        question = dns.message.from_wire(data)
        self.questions.append(question)
        self.waiting += 1
        self.most_waiting = max(self.waiting, self.most_waiting)
        asyncio.get_running_loop().call_later(self.late, self._answer, self.reply(question), address)

    def _answer(self, wires: list[bytes], address: tuple[str, int]) -> None:
        self.waiting -= 1
        for wire in wires:
            self.transport.sendto(wire, address)

    async def stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.over_tcp += 1
        question = dns.message.from_wire(await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big")))
        wire = answer(question, *(f"10 mx{number}.bank.test." for number in range(100))).to_wire(max_size=65535)
        writer.write(len(wire).to_bytes(2, "big") + wire)
        writer.close()


@asynccontextmanager
async def serving(reply: Reply) -> AsyncIterator[tuple[_Server, str]]:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(lambda: _Server(reply), local_addr=("127.0.0.1", 0))
    host, port = transport.get_extra_info("sockname")
    stream = await asyncio.start_server(server.stream, host, port)
    try:
        yield server, f"{host}:{port}"
    finally:
        transport.close()
        stream.close()


def answer(question: dns.message.Message, *records: str, ttl: int = 300) -> dns.message.Message:
    made = dns.message.make_response(question)
    asked = question.question[0]
    if records:
        made.answer.append(dns.rrset.from_text(asked.name, ttl, "IN", asked.rdtype, *records))
    return made


def resolver(server: str, clock: VirtualClock | None = None, **options: bool) -> DnsResolver:
    return DnsResolver([server], clock or VirtualClock(), patience=0.2, **options)


async def test_records_in_presentation_format_and_kept_by_ttl() -> None:
    clock = VirtualClock()
    async with serving(lambda question: [answer(question, "10 mx.bank.test.").to_wire()]) as (server, where):
        asking = resolver(where, clock)
        found = await asking.query("Bank.test.", "MX")
        assert (found.name, found.records, found.exists) == ("bank.test", ("10 mx.bank.test.",), True)
        clock.advance(100)
        assert (await asking.query("bank.test", "MX")).ttl == 200.0  # what is left of it
        assert len(server.questions) == 1
        clock.advance(201)
        await asking.query("bank.test", "MX")
        assert len(server.questions) == 2
        assert server.questions[0].flags & (dns.flags.RD | dns.flags.AD) == dns.flags.RD | dns.flags.AD


async def test_what_is_being_asked_is_not_asked_twice() -> None:
    async with serving(lambda question: [answer(question, "192.0.2.1").to_wire()]) as (server, where):
        asking = resolver(where)
        await asyncio.gather(*(asking.query("bank.test", "A") for _ in range(10)))
        assert len(server.questions) == 1


@pytest.mark.parametrize(("rcode", "exists"), [(dns.rcode.NXDOMAIN, False), (dns.rcode.NOERROR, True)])
async def test_there_is_none_is_an_answer(rcode: dns.rcode.Rcode, exists: bool) -> None:
    def reply(question: dns.message.Message) -> list[bytes]:
        made = answer(question)
        made.set_rcode(rcode)
        return [made.to_wire()]

    async with serving(reply) as (_, where):
        found = await resolver(where).query("bank.test", "MX")
        assert (found.records, found.exists) == ((), exists)
        assert 0 < found.ttl <= 60


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED])
async def test_a_failed_lookup_is_not_there_is_none(rcode: dns.rcode.Rcode) -> None:
    def reply(question: dns.message.Message) -> list[bytes]:
        made = answer(question)
        made.set_rcode(rcode)
        return [made.to_wire()]

    async with serving(reply) as (server, where):
        asking = resolver(where)
        with pytest.raises(LookupFailed, match=dns.rcode.to_text(rcode)):
            await asking.query("bank.test", "MX")
        with pytest.raises(LookupFailed):
            await asking.query("bank.test", "MX")
        assert len(server.questions) == 6, "every time anew, three rounds each"


async def test_so_many_sockets_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of domains must not use up the descriptors that connections need."""
    monkeypatch.setattr(dns_module, "MAX_SOCKETS", 3)
    async with serving(lambda question: [answer(question, "192.0.2.1").to_wire()]) as (server, address):
        server.late = 0.005
        patient = resolver(address)
        answers = await asyncio.gather(*(patient.query(f"mx{number}.bank.test", "A") for number in range(12)))
        assert [found.records for found in answers] == [("192.0.2.1",)] * 12
        assert server.most_waiting == 3


async def test_silence_fails_in_time() -> None:
    async with serving(lambda _: []) as (_, where):
        with pytest.raises(LookupFailed, match="no answer"):
            await asyncio.wait_for(DnsResolver([where], VirtualClock(), patience=0.05).query("bank.test", "MX"), 2)


async def test_poisoned_answers_are_passed_over() -> None:
    def reply(question: dns.message.Message) -> list[bytes]:
        true = answer(question, "192.0.2.1")
        wrong_id = answer(question, "203.0.113.66")
        wrong_id.id ^= 1
        other = dns.message.make_query("evil.test", "A", id=question.id)
        return [b"garbage", wrong_id.to_wire(), answer(other, "203.0.113.66").to_wire(), true.to_wire()]

    async with serving(reply) as (_, where):
        assert (await resolver(where).query("bank.test", "A")).records == ("192.0.2.1",)


async def test_truncation_goes_on_over_tcp() -> None:
    def reply(question: dns.message.Message) -> list[bytes]:
        made = answer(question)
        made.flags |= dns.flags.TC
        return [made.to_wire()]

    async with serving(reply) as (server, where):
        assert len((await resolver(where).query("bank.test", "MX")).records) == 100
        assert server.over_tcp == 1


async def test_aliases_end_at_the_canonical_name() -> None:
    def reply(question: dns.message.Message) -> list[bytes]:
        made = dns.message.make_response(question)
        made.answer.append(dns.rrset.from_text("www.bank.test.", 30, "IN", "CNAME", "host.bank.test."))
        made.answer.append(dns.rrset.from_text("host.bank.test.", 300, "IN", "A", "192.0.2.1"))
        return [made.to_wire()]

    async with serving(reply) as (_, where):
        found = await resolver(where).query("www.bank.test", "A")
        assert (found.name, found.records, found.ttl) == ("host.bank.test", ("192.0.2.1",), 30)


@pytest.mark.parametrize("said", [True, False])
async def test_ad_is_believed_from_loopback(said: bool) -> None:
    def reply(question: dns.message.Message) -> list[bytes]:
        made = answer(question, "192.0.2.1")
        made.flags = made.flags | dns.flags.AD if said else made.flags & ~dns.flags.AD
        return [made.to_wire()]

    async with serving(reply) as (_, where):
        assert (await resolver(where).query("bank.test", "A")).authenticated is said


async def test_the_next_server_is_asked() -> None:
    async with serving(lambda _: []) as (_, silent), serving(lambda q: [answer(q, "192.0.2.1").to_wire()]) as (_, good):
        found = await DnsResolver([silent, good], VirtualClock(), patience=0.3).query("bank.test", "A")
        assert found.records == ("192.0.2.1",)


async def test_a_name_that_cannot_be_asked() -> None:
    with pytest.raises(LookupFailed, match="cannot be looked up"):
        await resolver("127.0.0.1:9").query("a" * 64 + ".test", "MX")


def test_the_systems_resolvers(tmp_path: object) -> None:
    assert all(":" in server for server in system_servers())
