"""A job at its end: what was tried, what settled it, and the evidence of it for each recipient."""

from collections.abc import Sequence

import msgspec

from percorso.core.delivery.outcome import Answered, Status, TargetOutcome, Uncertain, Unmet, Unreachable
from percorso.core.delivery.plan import Plan, Settle, Tried
from percorso.core.delivery.window import too_much
from percorso.core.evidence.record import Evidence, Parties, TargetTried, TlsFacts, without_addresses
from percorso.core.mail.reply import Reply
from percorso.core.policy.decision import Hop
from percorso.delivery.job import Job
from percorso.delivery.salt import new_salt


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """What is the same for all recipients of the job."""

    job: Job
    settle: Settle
    hop: Hop | None
    """The hop that settled it, or would have been the first."""
    last: Tried | None
    """The target that settled it."""
    others: tuple[TargetTried, ...]
    """The other targets that were tried."""
    tls: TlsFacts
    reached: bool
    """Whether any server could be talked to, or it is known for good that there is none."""
    too_much: bool
    """Whether a server said that it has too much to do."""
    lost_host: str
    """The configured host that was tried and none of whose servers answered; empty where there is none."""
    at: float  # unix seconds
    node: str

    @property
    def target(self) -> str:
        """The target that settled it, "" if none was tried."""
        return str(self.last.attempt.target) if self.last else ""

    @property
    def route(self) -> str:
        """As the evidence shows it: "direct" or "host NAME"."""
        return f"host {self.hop.host.name}" if self.hop and self.hop.host else "direct"

    def evidence(self, index: int, status: Status, reply: Reply) -> Evidence:
        """The record for one of the job's recipients."""
        message, queued, decision = self.job.message, self.job.recipients[index], self.job.decisions[index]
        return Evidence(
            at=self.at,
            node=self.node,
            queue_id=message.id,
            attempt=queued.attempts + 1,
            status=status.value,
            recipient_domain=queued.recipient.address.domain,
            accepted_at=message.accepted_at,
            size=message.content.size,
            requirement=str(self.hop.requirement if self.hop else decision.requirement),
            reason=decision.reason.value,
            rules=decision.rules,
            unit=decision.unit,
            settings_version=decision.version,
            route=self.route,
            alternate=self.hop is not None and self.hop.alternate,
            target=self.target,
            secure=bool(self.tls.version),
            tls=self.tls,
            failure=self.settle.failure.type.value if self.settle.failure else "",
            code=reply.code,
            enhanced=reply.enhanced,
            tried=self.others,
            arrival_client=message.arrival.client,
            arrival_tls=message.arrival.tls_version,
            queue_seconds=max(0.0, self.at - message.accepted_at),
        )

    def parties(self, index: int, reply: Reply) -> Parties:
        """The personal part of that record."""
        sender = self.job.message.envelope.sender
        return Parties(
            sender=str(sender) if sender else "",
            recipient=str(self.job.recipients[index].recipient.address),
            reply=str(reply),
            message_id=self.job.message_id,
            salt=new_salt(),
        )


def ended(job: Job, plan: Plan, settle: Settle, shown: Sequence[TlsFacts], *, at: float, node: str) -> Ended:
    """The job as it ended. `shown` is what each target of the plan's `tried` showed of itself."""
    place = _settled_by(plan, settle)
    last = plan.tried[place] if plan.tried else None
    others = (*plan.tried[:place], *plan.tried[place + 1 :]) if plan.tried else ()
    return Ended(
        job=job,
        settle=settle,
        hop=plan.legs[last.attempt.leg if last else 0].hop if plan.legs else None,
        last=last,
        others=tuple([_told(tried, plan) for tried in others]),
        tls=shown[place] if plan.tried else TlsFacts(),
        reached=_reached(plan, settle),
        too_much=any(too_much(reply) for tried in plan.tried for reply in _replies(tried.outcome)),
        lost_host=_lost_host(plan),
        at=at,
        node=node,
    )


def _settled_by(plan: Plan, settle: Settle) -> int:
    """The place of the target that settled it: the one whose failure or reply is told, else the last."""
    named = [place for place, tried in enumerate(plan.tried) if tried.attempt.target.name == settle.server]
    for place in named:
        outcome = plan.tried[place].outcome
        if settle.failure and isinstance(outcome, Unmet) and outcome.failure == settle.failure:
            return place
    return named[-1] if named else len(plan.tried) - 1


def _reached(plan: Plan, settle: Settle) -> bool:
    if any(isinstance(tried.outcome, Answered | Unmet) for tried in plan.tried):
        return True
    return all(status is Status.FAILED for status, _ in settle.results)


def _replies(outcome: TargetOutcome) -> tuple[Reply, ...]:
    if isinstance(outcome, Answered):
        return outcome.replies
    return (outcome.reply,) if isinstance(outcome, Unreachable) else ()


def _lost_host(plan: Plan) -> str:
    if any(isinstance(tried.outcome, Answered | Uncertain) for tried in plan.tried):
        return ""
    reached = {tried.attempt.leg for tried in plan.tried}
    hosts = [leg.hop.host for place, leg in enumerate(plan.legs) if place in reached or not leg.targets]
    return next((host.name for host in reversed(hosts) if host), "")


def _told(tried: Tried, plan: Plan) -> TargetTried:
    outcome = tried.outcome
    return TargetTried(
        target=str(tried.attempt.target),
        alternate=plan.legs[tried.attempt.leg].hop.alternate,
        failure=outcome.failure.type.value if isinstance(outcome, Unmet) else "",
        reply=without_addresses(_words(outcome)),
    )


def _words(outcome: TargetOutcome) -> str:
    if isinstance(outcome, Unmet):
        return outcome.failure.detail
    if isinstance(outcome, Uncertain):
        return outcome.detail
    return str(outcome.replies[0] if isinstance(outcome, Answered) else outcome.reply)
