"""A day of a gateway in fast motion: what is sent, what goes wrong and when, and what the books say at its end.

    python -m tests.simulation.day 100000

Every message is accounted for: delivered once (twice only where the peer was lost after the final dot), bounced with a
notice that names it, or still in the queue. What was required went over connections that met it, as worked out anew
from the settings document (`tests/proof/demands.py`).
"""

import asyncio
import logging
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from percorso.core.delivery.outcome import Status
from percorso.core.settings.schema import Document
from tests.network.credential import GOOD, SELF_SIGNED, WRONG_NAME, Credential
from tests.network.peer import Accepted, Fault, Peer, Step
from tests.proof.demands import at_host, demands, of_host, proves
from tests.proof.settings_in_memory import document
from tests.proof.site import Site
from tests.simulation.country import Country
from tests.simulation.time import run

HOUR = 3600.0
BASE = """
[organization]
name = "Corp"
domains = ["corp.test"]
secure_expiry = "5h"

[[host]]
name = "encryptor"
primary = [{ address = "gw.corp.test" }]

[[address_list]]
name = "partners"
entries = [PARTNERS]

[[tls_compliance]]
name = "Partners need TLS"
lists = ["partners"]

[[routing_rule]]
name = "Secure by subject"
match = { header = "Subject", contains = "[secure]" }
"""
ROUTE = '[[alternate_secure_route]]\nhost = "encryptor"\nwhen = "WHEN"\n'
FEW = '"good0.test", "plain0.test", "selfsigned0.test", "flaps0.test"'
MORE = FEW + ', "good1.test", "plain1.test", "misnamed0.test", "slow0.test", "flaps1.test"'


def settings(partners: str, when: str = "") -> Document:
    return document(BASE.replace("PARTNERS", partners) + (ROUTE.replace("WHEN", when) if when else ""))


KINDS: dict[str, tuple[int, Credential | None]] = {
    "good": (12, GOOD),
    "plain": (4, None),
    "selfsigned": (2, SELF_SIGNED),
    "misnamed": (2, WRONG_NAME),
    "slow": (2, GOOD),
    "flaps": (6, GOOD),
    "grey": (2, GOOD),
    "gone": (1, GOOD),
    "picky": (2, GOOD),
    "small": (1, GOOD),
    "forgetful": (1, GOOD),
}


@dataclass
class Books:
    """What the day came to."""

    delivered: int = 0
    twice: int = 0
    bounced: int = 0
    queued: int = 0
    notices: int = 0
    required: int = 0
    by_alternate: int = 0
    attempts: int = 0
    evidence: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    healthy_delay: float = 0.0
    seconds: float = 0.0


class Day:
    """So many messages in 24 hours."""

    def __init__(self, messages: int, seed: int = 7) -> None:
        self.chance = random.Random(seed)
        self.messages = messages
        self.country = Country()
        self.documents: dict[int, Document] = {}
        first = settings(FEW)
        self.site = Site(first, self.country, options={"linger": 5.0, "idle_timeout": 30.0})
        self.documents[1] = first
        self.country.add(Peer("gw.corp.test"))
        self.country.domain("corp.test", Peer("mail.corp.test"))
        self.domains: list[str] = []
        self.kept: dict[str, tuple[int, str]] = {}
        """By recipient: the settings that it was accepted under, and its subject."""
        self.ids: dict[str, str] = {}
        for kind, (count, credential) in KINDS.items():
            for number in range(count):
                self._domain(kind, f"{kind}{number}.test", credential)

    def _domain(self, kind: str, domain: str, credential: Credential | None) -> None:
        name = f"mx.{domain}"
        peer = Peer(name, credential=credential)
        if kind == "grey":
            peer.script = {Step.RCPT: ["451 4.7.1 greylisted"] * (self.messages // 60)}
        if kind == "picky":
            peer.script = {Step.CONTENT: ["554 5.7.1 not here", Fault.PASS, "452 4.3.1 full"] * (self.messages // 300)}
        if kind == "forgetful":
            peer.script = {Step.CONTENT: [Fault.TAKE_AND_DROP, *[Fault.PASS] * 9] * (self.messages // 300)}
        peer.__post_init__()
        self.country.domain(domain, peer)
        if kind == "slow":
            self.country.delays[name] = 6.0
        if kind == "small":
            self.country.room[name] = 4
        if kind == "gone":
            self.country.down.add(name)
        self.domains.append(domain)

    # What happens

    async def happen(self) -> None:
        loop = asyncio.get_running_loop()
        flaps = [f"mx.flaps{number}.test" for number in range(6)]
        events: list[tuple[float, Callable[[], object]]] = [
            (4.0, lambda: self.apply(settings(MORE))),  # stricter
            (7.0, lambda: self.apply(settings(MORE, "on-failure"))),  # a route
            (9.0, lambda: self.country.down.add("mx.good2.test")),
            (9.5, lambda: self.country.down.add("gw.corp.test")),
            (11.0, lambda: self.country.down.discard("gw.corp.test")),
            (12.0, lambda: self.apply(settings(MORE, "required"))),
            (13.0, lambda: self.country.down.discard("mx.good2.test")),
            (14.0, lambda: self.apply(settings('"good0.test"'))),  # laxer
            (16.0, lambda: self.country.down.add("gw.corp.test")),
            (17.0, lambda: self.apply(self.documents[3])),  # back
            (18.0, lambda: self.country.down.discard("gw.corp.test")),
            (20.0, lambda: self.apply(self.documents[2])),
        ]
        for number, name in enumerate(flaps):
            for start in range(number, 24, 5):
                events.append((start + 0.5, partial(self.country.down.add, name)))
                events.append((start + 2.0 + number / 4, partial(self.country.down.discard, name)))
        for hour, event in events:
            loop.call_later(hour * HOUR, event)

    def apply(self, changed: Document) -> None:
        self.site.settings.apply(changed)
        current = self.site.settings.current
        self.documents[current.version] = changed
        self.site.agent.settings_changed(current)

    async def send(self) -> None:
        """Evenly over the day, with a newsletter now and then."""
        left, gap = self.messages, 24 * HOUR / self.messages
        while left:
            burst = min(left, self.messages // 50 if self.chance.random() < 0.2 * 50 / self.messages else 1)
            sender = "news@corp.test" if burst > 1 else f"user{self.chance.randrange(50)}@corp.test"
            for _ in range(burst):
                await self._send(f"u{left}@{self.chance.choice(self.domains)}", sender)
                left -= 1
            await asyncio.sleep(gap * burst)

    async def _send(self, recipient: str, sender: str) -> None:
        subject = "[secure] Offer" if self.chance.random() < 0.03 else "Offer"
        self.kept[recipient] = (self.site.settings.current.version, subject)
        self.ids[recipient] = await self.site.submit(recipient, sender=sender, subject=subject)

    async def live(self) -> Books:
        began = time.perf_counter()
        await self.happen()
        await self.send()
        await asyncio.sleep(max(0.0, 24 * HOUR - asyncio.get_running_loop().time()))
        books = self.books()
        books.seconds = time.perf_counter() - began
        await self.site.close()
        return books

    # The books

    def books(self) -> Books:
        books = Books()
        ledger, shard = self.site.ledger, self.site.shard
        books.wrong += ledger.wrong
        arrived: dict[str, list[tuple[Peer, Accepted]]] = {}
        for peer in self.country.peers.values():
            for mail in peer.accepted:
                arrived.setdefault(mail.recipients[0], []).append((peer, mail))
        waiting = {str(one.queued.recipient.address) for one in shard.recipients.values()}
        results = Counter((result.parties.recipient, result.status) for result in ledger.results)
        versions = {
            result.parties.recipient: result.evidence.settings_version
            for result in ledger.results
            if result.status is Status.DELIVERED
        }
        reported = {notice.report_of for notice in ledger.accepted.values() if notice.report_of}
        for recipient in self.kept:
            self._account(books, recipient, arrived.get(recipient, []), recipient in waiting, results, reported)
            for peer, mail in arrived.get(recipient, []):
                self._prove(books, recipient, peer, mail, versions.get(recipient, 0))
        self._sum_up(books)
        return books

    def _account(
        self,
        books: Books,
        recipient: str,
        arrived: list[tuple[Peer, Accepted]],
        waits: bool,
        results: Counter[tuple[str, Status]],
        reported: set[str],
    ) -> None:
        delivered = results[recipient, Status.DELIVERED]
        failed = results[recipient, Status.FAILED]
        lost = results[recipient, Status.UNCERTAIN]
        if delivered + failed + waits != 1:
            books.wrong.append(f"{recipient}: {delivered} delivered, {failed} bounced, {waits} in the queue")
        if delivered > len(arrived) or len(arrived) > delivered + lost:
            books.wrong.append(f"{recipient}: arrived {len(arrived)} times, delivered {delivered}, uncertain {lost}")
        if failed and self.ids[recipient] not in reported:
            books.wrong.append(f"{recipient}: bounced without a notice")
        books.delivered += delivered
        books.twice += len(arrived) > 1
        books.bounced += failed
        books.queued += waits

    def _prove(self, books: Books, recipient: str, peer: Peer, mail: Accepted, delivered_under: int) -> None:
        accepted_under, subject = self.kept[recipient]
        for version in {accepted_under, delivered_under or accepted_under}:
            asked = demands(self.documents[version], recipient, subject)
            if not asked:
                continue
            books.required += version == accepted_under
            if peer.name == "gw.corp.test":
                books.by_alternate += version == accepted_under
                host = self.documents[version].host[0]
                asked = [at_host(demand, host) for demand in asked] + [one for one in [of_host(host)] if one]
            for demand in asked:
                if not proves(peer.credential, mail.handshake.version, peer.name, demand):
                    books.wrong.append(f"{recipient} (version {version}) went to {peer.name} without {demand}")

    def _sum_up(self, books: Books) -> None:
        ledger = self.site.ledger
        books.notices = sum(bool(message.report_of) for message in ledger.accepted.values())
        books.attempts = len(ledger.results)
        for result in ledger.results:
            books.evidence[result.status.value] += 1
            if result.evidence.failure:
                books.failures[result.evidence.failure] += 1
            if result.status is Status.DELIVERED and self._healthy(result.parties.recipient):
                books.healthy_delay = max(books.healthy_delay, result.evidence.queue_seconds)

    def _healthy(self, recipient: str) -> bool:
        """Whether nothing was ever wrong on its way: it had no requirement, and its server was never down."""
        domain = recipient.partition("@")[2]
        _, subject = self.kept.get(recipient, (0, ""))
        return re.fullmatch(r"good([3-9]|1[01])\.test", domain) is not None and subject == "Offer"


def table(day: Day, books: Books) -> str:
    """The closing table."""
    opened = sum(day.country.tries.values())
    gone = day.country.tries.get("mx.gone0.test", 0)
    rows = [
        ("messages", day.messages),
        ("  delivered", books.delivered),
        ("    of them twice, the peer was lost after the dot", books.twice),
        ("    of them required, each proved", books.required),
        ("    of them by the alternate host", books.by_alternate),
        ("  bounced, each with a notice", books.bounced),
        ("  in the queue at midnight", books.queued),
        ("attempts", books.attempts),
        *((f"  {status}", count) for status, count in sorted(books.evidence.items())),
        *((f"  {failure}", count) for failure, count in sorted(books.failures.items())),
        ("notices of ours", books.notices),
        ("connections tried", opened),
        ("  to the server that was down all day", gone),
        ("versions of the settings", day.site.settings.current.version),
        ("longest delay to a healthy destination, s", round(books.healthy_delay, 1)),
        ("wrong", len(books.wrong)),
        ("seconds that it took", round(books.seconds, 1)),
    ]
    return "\n".join(f"{name:<52}{value:>12,}" for name, value in rows)


def live(messages: int) -> tuple[str, Books]:
    """A day with so many messages: its closing table, and the books."""

    async def story() -> tuple[str, Books]:
        day = Day(messages)
        books = await day.live()
        return table(day, books), books

    return run(story())


if __name__ == "__main__":
    logging.getLogger("percorso").setLevel(logging.CRITICAL)  # failures are part of the day
    shown, closed = live(int(sys.argv[1]))
    sys.stdout.write(f"{shown}\n" + "".join(f"WRONG {line}\n" for line in closed.wrong[:20]))
    sys.exit(1 if closed.wrong else 0)
