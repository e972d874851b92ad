"""What comes next in the delivery of a message to recipients that travel together.

1. Every target of a leg is tried until one answers about the message.
2. The alternate secure route (the second leg) is taken in the same attempt when at least one target of the first
   failed with a typed secure-transport failure and none met the requirement.
3. Unreachable targets neither cause nor prevent that; an answer from a target that met the requirement is the outcome.
4. `Uncertain` ends the attempt.
5. Opportunistic mail goes on in plaintext at the same target, over a new connection.
"""

from typing import Final

import msgspec

from percorso.core.delivery.outcome import Answered, Status, Uncertain, Unmet, Unreachable
from percorso.core.delivery.plan import Attempt, Plan, Settle, Tried
from percorso.core.delivery.sentences import failure_reply
from percorso.core.mail.reply import Reply
from percorso.core.policy.decision import Hop
from percorso.core.tls.result import SecureTransportFailure

NO_SERVER: Final = Reply(code=451, enhanced="4.4.4", text="There is no server to deliver to")


def next_step(plan: Plan) -> Attempt | Settle:
    """The next target to try, or what becomes of each recipient."""
    last = plan.tried[-1] if plan.tried else None
    match last.outcome if last else None:
        case Answered(replies=replies):
            return Settle(results=tuple((_status(reply), reply) for reply in replies))
        case Uncertain(detail=detail):
            lost = Reply(code=451, enhanced="4.4.2", text=detail)
            return Settle(results=((Status.UNCERTAIN, lost),) * plan.recipients)
    if last and _goes_on_in_plaintext(plan, last):
        return msgspec.structs.replace(last.attempt, tls=False)
    leg = last.attempt.leg if last else 0
    return _untried(plan, leg) or (_untried(plan, leg + 1) if _diverts(plan, leg) else None) or _undelivered(plan)


def settled(reply: Reply, recipients: int) -> Settle:
    """The end of an attempt with one reply for all, such as a decision's refusal."""
    return Settle(results=((_status(reply), reply),) * recipients)


def _status(reply: Reply) -> Status:
    if reply.positive:
        return Status.DELIVERED
    return Status.FAILED if reply.permanent else Status.DEFERRED


def _goes_on_in_plaintext(plan: Plan, tried: Tried) -> bool:
    """Whether the failure is only that of opportunistic TLS. A port of implicit TLS has no plaintext to go on in."""
    return (
        isinstance(tried.outcome, Unmet)
        and tried.attempt.tls
        and not tried.attempt.target.implicit_tls
        and plan.legs[tried.attempt.leg].hop.requirement.opportunistic
    )


def _untried(plan: Plan, leg: int) -> Attempt | None:
    """The leg's first target not yet tried; each target is tried with TLS once."""
    done = sum(one.attempt.tls for one in _tried(plan, leg))
    targets = plan.legs[leg].targets
    return Attempt(leg=leg, target=targets[done]) if done < len(targets) else None


def _diverts(plan: Plan, leg: int) -> bool:
    """Whether another leg follows, and this one had a typed failure and no target that met the requirement."""
    tried = _tried(plan, leg)
    failed = any(isinstance(one.outcome, Unmet) for one in tried)
    met = any(isinstance(one.outcome, Unreachable) and one.outcome.requirement_met for one in tried)
    return leg + 1 < len(plan.legs) and failed and not met


def _undelivered(plan: Plan) -> Settle:
    """Nothing was left to try. A diverted message waits for the reason that diverted it."""
    reply, failure = _end_of_leg(plan, 0)
    if _diverts(plan, 0):
        alternate, _ = _end_of_leg(plan, 1)
        reply = msgspec.structs.replace(reply, text=f"{reply.text}; {plan.legs[1].hop}: {alternate}")
    return msgspec.structs.replace(settled(reply, plan.recipients), failure=failure)


def _end_of_leg(plan: Plan, leg: int) -> tuple[Reply, SecureTransportFailure | None]:
    """The reply that stands for a leg that delivered nothing, and the typed failure where that is why.

    A target that met the requirement and was lost tells most; then the first typed failure, because the most
    preferred target is the one to mend; then the last unreachable target, a transient reply before a permanent one.
    """
    tried, refusal = _tried(plan, leg), plan.legs[leg].refusal
    if not tried:
        return _of_hop(plan.legs[leg].hop, refusal or NO_SERVER), None
    lost = [one.outcome for one in reversed(tried) if isinstance(one.outcome, Unreachable)]
    if met := [outcome.reply for outcome in lost if outcome.requirement_met]:
        return met[0], None
    for one in tried:
        if isinstance(one.outcome, Unmet) and not _goes_on_in_plaintext(plan, one):
            return failure_reply(one.outcome.failure, one.attempt.target.name), one.outcome.failure
    reply = next((outcome.reply for outcome in lost if outcome.reply.transient), lost[0].reply)
    return _of_hop(plan.legs[leg].hop, reply), None


def _of_hop(hop: Hop, reply: Reply) -> Reply:
    """A configured host is the administrator's to mend: mail for it waits, whatever keeps it away."""
    if hop.host is None or not reply.permanent:
        return reply
    return Reply(code=451, enhanced="4.4.1", text=f"{hop} cannot be used: {reply}")


def _tried(plan: Plan, leg: int) -> list[Tried]:
    return [one for one in plan.tried if one.attempt.leg == leg]
