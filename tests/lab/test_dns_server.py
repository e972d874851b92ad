"""The trial's DNS server: what it knows, what it does not, over UDP and TCP."""

import asyncio
from collections.abc import AsyncIterator

import dns.asyncquery
import dns.flags
import dns.message
import dns.rcode
import pytest

from percorso.lab.dns_server import DnsServer, answer

ZONE = {("bank.test", "MX"): ("10 mx1.bank.test.", "20 mx2.bank.test."), ("mx1.bank.test", "A"): ("127.0.53.1",)}


@pytest.fixture
async def port() -> AsyncIterator[int]:
    server = DnsServer(ZONE)
    yield await server.start()
    await server.stop()


async def ask(name: str, record_type: str, port: int, *, tcp: bool = False) -> dns.message.Message:
    query = dns.message.make_query(name, record_type)
    way = dns.asyncquery.tcp if tcp else dns.asyncquery.udp
    return await way(query, "127.0.0.1", port=port, timeout=5)


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
async def test_a_known_record(port: int, *, tcp: bool) -> None:
    reply = await ask("Bank.Test", "MX", port, tcp=tcp)
    assert sorted(record.to_text().lower() for record in reply.answer[0]) == ["10 mx1.bank.test.", "20 mx2.bank.test."]
    assert not reply.flags & dns.flags.AD


async def test_a_name_without_that_type_is_no_data(port: int) -> None:
    reply = await ask("bank.test", "TLSA", port)
    assert (reply.rcode(), reply.answer) == (dns.rcode.NOERROR, [])


async def test_an_unknown_name_does_not_exist(port: int) -> None:
    assert (await ask("nobody.test", "MX", port)).rcode() == dns.rcode.NXDOMAIN


async def test_nonsense_is_dropped(port: int) -> None:
    assert answer(b"\x00\x01nonsense", ZONE) is None
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"\x00\x04nons")
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    await writer.wait_closed()
