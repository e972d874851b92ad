"""Real handshakes in memory, read as the dialer reads them."""

import ssl

from percorso.core.tls.handshake import Handshake
from percorso.net.tls.contexts import ClientContexts
from percorso.net.tls.engine import TlsEngine
from percorso.net.tls.facts import HandshakeReader
from percorso.ports.dialer import TlsOffer
from tests.net.authority import NOW, Pair

MX = "mx.bank.test"
CONTEXTS = ClientContexts()


def shown_by(
    pair: Pair,
    reader: HandshakeReader,
    *ca_files: str,
    at: float = NOW.timestamp(),
    context: ssl.SSLContext | None = None,
) -> Handshake:
    """What a server with this certificate shows of itself."""
    offer = TlsOffer(reference_name=MX, ca_files=ca_files)
    client = TlsEngine(CONTEXTS.context(offer), server_side=False, server_name=MX)
    server = TlsEngine(context or pair.server_context, server_side=True)
    client.start()
    while not (client.established and server.established):
        server.receive(client.data_to_send())
        client.receive(server.data_to_send())
    return reader.read(client, offer, now=at)
