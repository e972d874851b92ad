"""The settings and servers that the named scenarios share.

bank.test, club.test and ann@shop.test are listed as needing TLS, others at shop.test are not; "[secure]" in the subject
also requires it. The alternate host `encryptor` is gw.corp.test. Notices go to corp.test's own server.
"""

from tests.network.credential import GOOD
from tests.network.network import Network
from tests.network.peer import Peer
from tests.proof.settings_in_memory import document
from tests.proof.site import Site

BASE = """
[organization]
name = "Corp"
domains = ["corp.test"]

[[host]]
name = "encryptor"
primary = [{ address = "gw.corp.test" }]

[[address_list]]
name = "partners"
entries = ["bank.test", "club.test", "ann@shop.test"]

[[tls_compliance]]
name = "Partners need TLS"
lists = ["partners"]

[[routing_rule]]
name = "Secure by subject"
match = { header = "Subject", contains = "[secure]" }
"""
ROUTE = """
[[alternate_secure_route]]
host = "encryptor"
when = "{when}"
"""


def settings(when: str = "") -> str:
    """The settings as TOML, with this meaning of the alternate route, or without a route."""
    return BASE + (ROUTE.format(when=when) if when else "")


class Scenery:
    """A site, the alternate host and our own mail server; domains are added by a test."""

    def __init__(self, when: str = "", **options: float) -> None:
        self.network = Network()
        self.gateway = self.network.add(Peer("gw.corp.test", credential=GOOD))
        self.own = Peer("mail.corp.test", credential=GOOD)
        self.network.domain("corp.test", self.own)
        self.site = Site(document(settings(when)), self.network, options=options)

    def domain(self, name: str, *servers: Peer) -> None:
        self.network.domain(name, *servers)

    async def deliver(self, *recipients: str, subject: str = "Offer", **more: object) -> str:
        """Submit a message and run the attempt that follows."""
        queue_id = await self.site.submit(*recipients, subject=subject, **more)  # type: ignore[arg-type]
        await self.site.run()
        return queue_id
