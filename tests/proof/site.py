"""A gateway on the in-memory network: the real delivery room, an in-memory queue, and settings that can change."""

import asyncio
import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from percorso.core.mail.address import parse_address, parse_path
from percorso.core.mail.envelope import Arrival, Envelope, EnvelopeRecipient, RecipientParameters
from percorso.core.policy.decide import decide
from percorso.core.settings.schema import Document
from percorso.delivery.agent import DeliveryAgent
from percorso.delivery.options import DeliveryOptions
from percorso.lookups.facts import MessageFacts
from percorso.lookups.mx import MailServers
from percorso.lookups.route import Router
from percorso.ports.clock import Clock
from percorso.ports.dialer import Dialer
from percorso.ports.queue import NewMessage, NewRecipient, StoreError
from percorso.ports.resolver import Resolver
from percorso.store.memory import MemoryQueue, MemoryShard
from tests.network.network import Network
from tests.proof.ledger import Ledger
from tests.proof.settings_in_memory import MemorySettings

OPTIONS = DeliveryOptions(node="mail1", hello_name="mta.corp.test", linger=0.001, idle_timeout=3600.0)
ARRIVAL = Arrival(client="192.0.2.1", helo="client.corp.test", listener="127.0.0.1:2525")


@dataclass
class Surroundings:
    """What delivery meets outside."""

    dialer: Dialer
    names: Resolver
    clock: Clock
    port: int = 25


class Site:
    """`submit` messages, `run` until nothing is under way, let `later` come."""

    def __init__(
        self,
        document: Document,
        network: Network | None = None,
        *,
        outside: Surroundings | None = None,
        options: Mapping[str, object] | None = None,
    ) -> None:
        self.network = network or Network()
        outside = outside or Surroundings(self.network, self.network.names, self.network.clock)
        self.clock = outside.clock
        self.settings = MemorySettings(document)
        self.shard = MemoryShard()
        queue = MemoryQueue(self.shard, node="mail1", clock=self.clock, loop=asyncio.get_running_loop())
        self.ledger = Ledger(queue)
        self.agent = DeliveryAgent(
            queue=self.ledger,
            settings=self.settings,
            router=Router(MailServers(outside.names, self.clock), port=outside.port, roll=lambda: 0.5),
            dialer=outside.dialer,
            clock=self.clock,
            options=msgspec.structs.replace(OPTIONS, **(options or {})),
        )
        self.ledger.attach(self.agent)

    async def submit(
        self,
        *recipients: str,
        sender: str = "a@corp.test",
        subject: str = "Offer",
        body: str = "Hello.",
        notify: tuple[str, ...] = (),
        **more: object,
    ) -> str:
        """Accept a message as reception does: each recipient keeps what is required of it now. Gives the queue id."""
        text = f"From: {sender or 'a@corp.test'}\r\nSubject: {subject}\r\nMessage-ID: <1@corp.test>\r\n\r\n{body}\r\n"
        content = text.encode()
        envelope = Envelope(sender=parse_path(sender), **more)  # type: ignore[arg-type]
        facts = MessageFacts(envelope=envelope, arrival=ARRIVAL, head=content, size=len(content), source=self.settings)
        now = self.clock.now()
        writer = self.ledger.compose()
        writer.write(content)
        message = NewMessage(
            id=writer.id,
            envelope=envelope,
            recipients=tuple(
                NewRecipient(
                    recipient=EnvelopeRecipient(address=address, parameters=RecipientParameters(notify=notify)),
                    kept=decide(facts.of(address, now=now), self.settings.current).requirement,
                )
                for address in map(parse_address, recipients)
            ),
            arrival=ARRIVAL,
            accepted_at=now,
            content=writer.finish(),
        )
        kept: asyncio.Future[StoreError | None] = asyncio.get_running_loop().create_future()
        self.ledger.accept(message, kept.set_result)
        assert await kept is None
        return message.id

    async def run(self) -> None:
        """Until delivery has nothing in hand."""
        for _ in itertools.count():
            if self.agent.idle:
                return
            await asyncio.sleep(0)

    async def later(self, seconds: float) -> None:
        """Let time pass, and deliver what is due then."""
        self.network.clock.advance(seconds)
        self.ledger.wake()
        await asyncio.sleep(0)
        await self.run()

    async def close(self) -> None:
        await self.agent.stop(grace=1.0)
        await self.ledger.close()
