"""The census of a site, as the store on disk gives it."""

from collections import Counter

from percorso.ports.census import Census, Failing, LostHost
from tests.proof.site import Site


class SiteCensus:
    """`QueueCensus` of the in-memory queue, by the last result of each recipient that is still there."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def take(self) -> Census:
        shard = self._site.shard
        last = {(message.id, result.number): result for message, result in self._site.ledger.settled}
        parked: Counter[str] = Counter()
        failing: Counter[tuple[str, str]] = Counter()
        lost: Counter[str] = Counter()
        for place, one in shard.recipients.items():
            domain, result = one.queued.recipient.address.domain, last.get(place)
            if one.state == "held":
                parked[domain] += shard.messages[place[0]].envelope.sender is None
            elif result is not None:
                failing[domain, result.evidence.failure] += bool(result.evidence.failure)
                lost[result.lost_host] += bool(result.lost_host)
        queued = [place for place, one in shard.recipients.items() if one.state == "queued"]
        return Census(
            queued=len(queued),
            oldest=min((shard.messages[message].accepted_at for message, _ in queued), default=0.0),
            parked=tuple(sorted((+parked).items())),
            failing=tuple(
                Failing(domain=key[0], failure=key[1], recipients=n) for key, n in sorted((+failing).items())
            ),
            lost_hosts=tuple(LostHost(name=name, recipients=n) for name, n in sorted((+lost).items())),
        )
