"""From claims to jobs: who may travel together, and under which settings it was decided."""

import msgspec

from percorso.core.hosts.host import Host, HostServer
from percorso.core.mail.address import parse_address
from percorso.core.mail.envelope import Arrival, EnvelopeRecipient
from percorso.core.mail.reply import Reply
from percorso.core.policy.decision import Decision, Hop, Reason
from percorso.core.tls.requirement import ENCRYPTED, OPPORTUNISTIC, Requirement
from percorso.delivery.hand import Held
from percorso.delivery.sort import MAX_RECIPIENTS, Sorter, groups
from percorso.ports.queue import Claim, QueuedMessage, QueuedRecipient
from tests.delivery.messages import MemoryContent, envelope
from tests.network.clock import VirtualClock
from tests.proof.settings_in_memory import MemorySettings, document

HOST = Host(name="encryptor", primary=(HostServer(address="gw.test"),), requirement=ENCRYPTED)
TLS_1_3 = Requirement(encrypted=True, min_version=0x304)


def hop(requirement: Requirement = OPPORTUNISTIC, *, domain: str = "bank.test", host: Host | None = None) -> Hop:
    return Hop(domain=domain, host=host, requirement=requirement)


def decision(*hops: Hop, **more: object) -> Decision:
    given = Decision(requirement=OPPORTUNISTIC, hops=hops, reason=Reason.OPPORTUNISTIC, version=1)
    return msgspec.structs.replace(given, **more)


def test_only_those_of_one_passage_travel_together() -> None:
    refused = Reply(code=554, enhanced="5.4.6", text="loop")
    decisions = [
        decision(hop()),
        decision(hop(ENCRYPTED)),
        decision(hop(), rules=("routing_rule/x",)),
        decision(hop(domain="club.test")),
        decision(hop(ENCRYPTED), hop(ENCRYPTED, host=HOST)),
        decision(hop(ENCRYPTED), hop(TLS_1_3, host=HOST)),
        decision(refusal=refused),
        decision(hop(ENCRYPTED, host=HOST)),
        decision(hop(ENCRYPTED, host=HOST, domain="club.test")),
        decision(msgspec.structs.replace(hop(ENCRYPTED, host=HOST), alternate=True)),
    ]
    assert list(groups(decisions)) == [[0, 2], [1], [3], [4], [5], [6], [7, 8], [9]]


def test_no_more_than_a_server_takes_at_once() -> None:
    sizes = [len(places) for places in groups([decision(hop())] * 250)]
    assert sizes == [MAX_RECIPIENTS, MAX_RECIPIENTS, 50]
    assert sorted(place for places in groups([decision(hop())] * 250) for place in places) == list(range(250))


def held(*recipients: str) -> Held:
    message = QueuedMessage(
        id="Q1",
        envelope=envelope(),
        arrival=Arrival(client="192.0.2.1", helo="pc", listener="127.0.0.1:2525"),
        accepted_at=1.0,
        content=MemoryContent(),
    )
    queued = tuple(
        QueuedRecipient(number=number, recipient=EnvelopeRecipient(address=parse_address(address)), kept=OPPORTUNISTIC)
        for number, address in enumerate(recipients)
    )
    return Held(claim=Claim(message=message, recipients=queued), octets=0, open=len(queued))


def whole(*recipients: str) -> tuple[Held, Claim]:
    """All of what is held, to be decided on."""
    one = held(*recipients)
    return one, one.claim


async def test_each_recipient_is_in_one_job_with_its_own_decision() -> None:
    everybody = [f"user{number}@{domain}" for number in range(150) for domain in ("bank.test", "shop.test")]
    jobs = await Sorter(MemorySettings(document("")), VirtualClock()).jobs(*whole(*everybody))
    assert [len(job.recipients) for job in jobs] == [100, 50, 100, 50]
    assert sorted(queued.number for job in jobs for queued in job.recipients) == list(range(300))
    for job in jobs:
        assert len(job.decisions) == len(job.recipients)
        assert {decided.hops[0].domain for decided in job.decisions} == {job.recipients[0].recipient.address.domain}
        assert job.message_id == "<1@corp.test>"


async def test_one_claim_is_decided_on_under_one_version() -> None:
    source = MemorySettings(document(""))
    now = VirtualClock()

    class Clock(VirtualClock):
        """Tells the time once for each recipient; at the 150th the settings change."""

        asked = 0

        def now(self) -> float:
            self.asked += 1
            if self.asked == 150:
                source.apply(document('[organization]\ndomains = ["corp.test"]\n'))
            return now.now()

    crowd = [f"user{number}@bank.test" for number in range(200)]
    jobs = await Sorter(source, Clock()).jobs(*whole(*crowd))
    assert {decided.version for job in jobs for decided in job.decisions} == {2}
    assert {job.settings.version for job in jobs} == {2}
