"""A DNS server on loopback that knows the zones of the trial, and nothing else (RFC 1035).

UDP and TCP on one port. A name without a record is NODATA, an unknown name NXDOMAIN. It never sets AD.
"""

import asyncio
import struct
from collections.abc import Mapping

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

_TTL = 300
_LENGTH = struct.Struct("!H")  # RFC 1035, 4.2.2
_TCP_PATIENCE = 10.0  # seconds

Zone = Mapping[tuple[str, str], tuple[str, ...]]
"""By name (without the trailing dot) and type: the records in presentation format."""


def answer(question: bytes, zone: Zone) -> bytes | None:
    """The reply to one message; None for what is no question."""
    try:
        query = dns.message.from_wire(question)
    except (dns.exception.DNSException, ValueError):
        return None
    if not query.question:
        return None
    reply = dns.message.make_response(query, recursion_available=True)
    asked = query.question[0]
    name = asked.name.to_text(omit_final_dot=True).lower()
    records = zone.get((name, dns.rdatatype.to_text(asked.rdtype)), ())
    if records:
        reply.answer.append(dns.rrset.from_text(asked.name, _TTL, dns.rdataclass.IN, asked.rdtype, *records))
    elif not any(known == name for known, _ in zone):
        reply.set_rcode(dns.rcode.NXDOMAIN)
    return reply.to_wire()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]  # typeshed's base is wider
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._transport and (reply := answer(data, self._zone)):
            self._transport.sendto(reply, addr)


class DnsServer:
    """Serves one zone while it runs."""

    def __init__(self, zone: Zone, address: str = "127.0.0.1") -> None:
        self._zone = zone
        self._address = address
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None

    async def start(self) -> int:
        """Listen; returns the port."""
        self._tcp = await asyncio.start_server(self._serve, self._address, 0)
        port = int(self._tcp.sockets[0].getsockname()[1])
        loop = asyncio.get_running_loop()
        self._udp, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self._zone), local_addr=(self._address, port)
        )
        return port

    async def stop(self) -> None:
        """Close both sockets."""
        if self._udp:
            self._udp.close()
        if self._tcp:
            self._tcp.close()
            await self._tcp.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                (length,) = _LENGTH.unpack(await asyncio.wait_for(reader.readexactly(_LENGTH.size), _TCP_PATIENCE))
                reply = answer(await asyncio.wait_for(reader.readexactly(length), _TCP_PATIENCE), self._zone)
                if reply is None:
                    return
                writer.write(_LENGTH.pack(len(reply)) + reply)
                await writer.drain()
        except (asyncio.IncompleteReadError, TimeoutError, ConnectionError):
            return
        finally:
            writer.close()
