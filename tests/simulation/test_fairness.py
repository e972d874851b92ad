"""Nobody's trouble is everybody's: mail for a healthy destination flows, whatever waits for others."""

import asyncio
import itertools
from collections.abc import Mapping
from typing import Any

from percorso.core.delivery.outcome import Status
from percorso.core.settings.rate import Rate
from tests.network.peer import Peer, Step
from tests.proof.scenery import settings
from tests.proof.settings_in_memory import document
from tests.proof.site import Site
from tests.simulation.country import Country
from tests.simulation.time import run

CROWD = 5000


class Village:
    """A site in a country; `watch` sends a message a second to well.test and gives the longest that one took."""

    def __init__(self, **options: Any) -> None:
        self.country = Country()
        self.well = self.server("well.test")
        self.site = Site(document(settings()), self.country, options=options)

    def server(self, domain: str, *, delay: float = 0.0, down: bool = False, script: Mapping[Step, Any] = {}) -> Peer:
        name = f"mx.{domain}"
        peer = Peer(name, script=script)
        self.country.domain(domain, peer)
        if delay:
            self.country.delays[name] = delay
        if down:
            self.country.down.add(name)
        return peer

    async def flood(self, domain: str, count: int, **more: Any) -> None:
        await asyncio.gather(*[self.site.submit(f"user{number}@{domain}", **more) for number in range(count)])

    async def watch(self, seconds: int, domain: str = "well.test") -> float:
        began = len(self.site.ledger.settled)
        for number in range(seconds):
            await self.site.submit(f"ann{number}@{domain}", sender="quiet@corp.test")
            await asyncio.sleep(1)
        await asyncio.sleep(60)
        done = [
            result.evidence.queue_seconds
            for message, result in self.site.ledger.settled[began:]
            if result.status is Status.DELIVERED and str(message.envelope.sender) == "quiet@corp.test"
        ]
        assert len(done) == seconds
        return max(done)


def test_a_dead_and_a_slow_destination_delay_nobody_else() -> None:
    async def story() -> None:
        village = Village()
        village.server("dead.test", down=True)
        slow = village.server("slow.test", delay=10.0)
        await asyncio.gather(
            *[
                village.site.submit(f"user{number}@{domain}", sender=f"user{number}@corp.test")
                for number in range(CROWD)
                for domain in ("dead.test", "slow.test")
            ]
        )
        assert await village.watch(600) < 2.0
        assert village.country.tries["mx.dead.test"] < 100, "it is probed, not tried by each message"
        assert slow.accepted
        assert village.site.ledger.wrong == []
        await village.site.close()

    run(story())


def test_a_flood_delays_neither_its_destination_nor_others() -> None:
    async def story() -> None:
        village = Village()
        village.server("popular.test", delay=0.5)
        await village.flood("popular.test", 2 * CROWD, sender="newsletter@corp.test")
        assert await village.watch(60, "popular.test") < 15.0
        assert await village.watch(60) < 2.0
        await village.site.close()

    run(story())


def test_a_flood_to_everywhere_leaves_room_to_others() -> None:
    async def story() -> None:
        village = Village(max_claims=400)
        for number in range(400):
            village.server(f"d{number}.test", down=True)
        flood = [f"user{number}@d{number % 400}.test" for number in range(CROWD)]
        await asyncio.gather(*[village.site.submit(to, sender="newsletter@corp.test") for to in flood])
        assert await village.watch(300) < 5.0
        await village.site.close()

    run(story())


def test_a_destination_that_comes_back_is_served_at_once() -> None:
    async def story() -> None:
        village = Village()
        away = village.server("away.test", down=True)
        await village.flood("away.test", 1000)
        await asyncio.sleep(2 * 3600)
        assert village.country.tries["mx.away.test"] < 60
        village.country.down.clear()
        await asyncio.sleep(660)  # the longest pause, and a little
        parked = 1000 - village.country.tries["mx.away.test"]
        assert len(away.accepted) > 0.9 * parked
        await village.site.close()

    run(story())


def test_connections_are_as_many_as_a_server_takes() -> None:
    async def story() -> None:
        village = Village()
        small = village.server("small.test", delay=0.2)
        village.country.room["mx.small.test"] = 8
        await village.flood("small.test", 2000)
        await asyncio.sleep(3600)
        assert len(small.accepted) == 2000
        refused = village.country.tries["mx.small.test"] - small.connections
        assert refused < 200
        await village.site.close()

    run(story())


def test_a_rate_is_kept_in_order_and_holds_up_nobody() -> None:
    async def story() -> None:
        rate = Rate(count=100, seconds=60.0, text="100/1m")
        village = Village(rates={"slowly.test": rate}, concurrency=1)
        slowly = village.server("slowly.test")
        sent = 500
        for number in range(sent):
            await village.site.submit(f"user{number}@slowly.test")
        assert await village.watch(30) < 2.0
        await asyncio.sleep(600)
        assert len(slowly.accepted) == sent
        arrived = [int(mail.recipients[0].split("@")[0].removeprefix("user")) for mail in slowly.accepted]
        late = sum(before > after for before, after in itertools.pairwise(arrived))
        assert late < sent / 50
        assert village.site.ledger.released < 1.2 * sent, (
            "each waits for its own turn, and is not asked again and again"
        )
        times = sorted(one.evidence.at for one in village.site.ledger.results if "slowly" in one.parties.recipient)
        for first, last in zip(times, times[201:], strict=False):  # a burst of a hundred, and then the rate
            assert last - first >= 59.0
        await village.site.close()

    run(story())
