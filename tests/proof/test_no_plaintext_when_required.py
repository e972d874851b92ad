"""The first invariant: no octet of a message whose secure transport is required goes where that was not proved.

Whatever the settings, also changed between attempts, whatever the servers do, at whatever step, and whichever
connections are kept: every transaction that our side wrote is looked at, and its recipients' demands are worked out
anew (`demands.py`) and compared with what the server showed.
"""

import asyncio
import re

from hypothesis import HealthCheck, given, settings

from percorso.core.delivery.outcome import Status
from percorso.core.settings import schema
from tests.network.peer import Peer
from tests.proof.demands import at_host, demands, of_host, proves
from tests.proof.site import Site
from tests.proof.strategies import GATEWAYS, Mail, World, worlds
from tests.proof.transactions import Transaction, transactions

SENDER = re.compile(r"a-m(\d+)@corp\.test")
REPORTED = re.compile(r"Final-Recipient: rfc822; (\S+)")
QUEUE_ID = re.compile(r"X-Percorso-Queue-Id: (\S+)")


class Proof:
    """One world, played out, and what is to be shown of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.mail_of: dict[str, Mail] = {}  # by queue id
        self.checked: set[tuple[int, int, int]] = set()  # transactions

    async def play(self) -> Site:
        """Every attempt, each followed by a look at what it wrote."""
        world = self.world
        accepted_under, *_ = world.documents
        site = Site(accepted_under, world.network)
        for mail in world.mails:
            queue_id = await site.submit(
                *mail.recipients,
                sender=f"a-m{mail.number}@corp.test",
                subject=mail.subject,
                body=f"This is message {mail.number}.",
            )
            self.mail_of[queue_id] = mail
            if mail.pause:
                await site.run()
        await site.run()
        self.check(site, accepted_under)
        for number, seconds in enumerate(world.rounds, start=1):
            document = world.documents[min(number, len(world.documents) - 1)]
            site.settings.apply(document)
            await site.later(seconds)
            self.check(site, document)
        await site.close()
        return site

    def check(self, site: Site, in_force: schema.Document) -> None:
        """What was written since the last look met the demands at acceptance, and those in force."""
        found, astray = transactions(site.network.wires)
        assert astray == []
        for transaction in found:
            if transaction.place not in self.checked:
                self.checked.add(transaction.place)
                self.check_transaction(transaction, site.network.peers[_place(transaction)], in_force)

    def check_transaction(self, transaction: Transaction, peer: Peer, in_force: schema.Document) -> None:
        """Everything in a transaction meets the demands of each of its recipients."""
        if not transaction.sender:
            self.check_notice(transaction)
            return
        sender = SENDER.fullmatch(transaction.sender)
        assert sender, transaction.sender
        mail = self.world.mails[int(sender[1])]
        assert set(transaction.recipients) <= set(mail.recipients)
        proved = [
            all(self.proved(transaction, peer, recipient, mail, by) for by in (self.world.documents[0], in_force))
            for recipient in transaction.recipients or mail.recipients
        ]
        # MAIL alone, without RCPT: some recipient of the message must have allowed it.
        assert all(proved) if transaction.recipients else any(proved), (
            f"{transaction.text!r} went to {peer.name} over {transaction.phase.handshake}"
        )

    @staticmethod
    def proved(transaction: Transaction, peer: Peer, recipient: str, mail: Mail, document: schema.Document) -> bool:
        """Whether the server proved what the document requires for this recipient."""
        asked = demands(document, recipient, mail.subject)
        if peer.name in GATEWAYS:
            (host,) = document.host
            own = of_host(host)
            asked = [at_host(demand, host) for demand in asked] + ([own] if own else [])
        version = transaction.phase.handshake.version
        return all(proves(peer.credential, version, peer.name, demand) for demand in asked)

    def check_notice(self, transaction: Transaction) -> None:
        """A notice is at least encrypted where the mail of one of its recipients had to be."""
        queue_id = QUEUE_ID.search(transaction.text)
        if queue_id is None:  # refused before its content; its addressee is the sender of the message
            return
        mail = self.mail_of[queue_id[1]]
        accepted_under, *_ = self.world.documents
        for recipient in REPORTED.findall(transaction.text):
            for demand in demands(accepted_under, recipient, mail.subject):
                assert transaction.phase.handshake.version >= demand.version, transaction.text


def _place(transaction: Transaction) -> tuple[str, int]:
    return transaction.wire.target.address, transaction.wire.target.port


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(worlds())
def test_no_plaintext_when_required(world: World) -> None:
    proof = Proof(world)
    unhandled: list[object] = []

    async def play() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
        site = await asyncio.wait_for(proof.play(), 60)
        check_books(site, world)

    asyncio.run(play())
    assert unhandled == []


def check_books(site: Site, world: World) -> None:
    """Every claim came back once, and nothing was lost or doubled."""
    ledger = site.ledger
    assert ledger.wrong == []
    assert ledger.claimed == {}
    uncertain = {(message.id, result.number) for message, result in ledger.settled if result.status is Status.UNCERTAIN}
    gone = {
        (message.id, result.number): result.status
        for message, result in ledger.settled
        if result.status in (Status.DELIVERED, Status.FAILED)
    }
    for message in ledger.accepted.values():
        sender = str(message.envelope.sender) if message.envelope.sender else ""
        for number, recipient in enumerate(message.recipients):
            key, address = (message.id, number), str(recipient.recipient.address)
            taken = [
                mail
                for mail in world.network.accepted
                if mail.sender == sender and address in mail.recipients and mail.answered and sender
            ]
            status = gone.get(key)
            if sender and key not in uncertain:
                assert len(taken) == (status is Status.DELIVERED), (message.id, address, status, taken)
            if status is Status.FAILED:
                assert any(notice.report_of == message.id for notice in ledger.accepted.values())
