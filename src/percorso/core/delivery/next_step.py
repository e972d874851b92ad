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
    if last and (end := _end(last, plan.recipients)):
        return end
    if last and _goes_on_in_plaintext(plan, last):
        return msgspec.structs.replace(last.attempt, tls=False)
    leg = last.attempt.leg if last else 0
    return _untried(plan, leg) or (_untried(plan, leg + 1) if _diverts(plan, leg) else None) or _undelivered(plan)


def settled(
    reply: Reply, recipients: int, *, failure: SecureTransportFailure | None = None, server: str = ""
) -> Settle:
    """The end of an attempt with one reply for all, such as a decision's refusal."""
    return Settle(results=((_status(reply), reply),) * recipients, failure=failure, server=server)


def _end(last: Tried, recipients: int) -> Settle | None:
    """What becomes of the recipients, where the server took the matter into its hands."""
    server = last.attempt.target.name
    match last.outcome:
        case Answered(replies=replies):
            return Settle(results=tuple((_status(reply), reply) for reply in replies), server=server)
        case Uncertain(detail=detail):
            reply = Reply(code=451, enhanced="4.4.2", text=detail)  # RFC 3463, 3.5: bad connection
            return Settle(results=((Status.UNCERTAIN, reply),) * recipients, server=server)
    return None


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
    end = _end_of_leg(plan, 0)
    if not _diverts(plan, 0):
        return end
    (_, reply), (_, alternate) = end.results[0], _end_of_leg(plan, 1).results[0]
    both = msgspec.structs.replace(reply, text=f"{reply.text}; {plan.legs[1].hop}: {alternate}")
    return msgspec.structs.replace(end, results=settled(both, plan.recipients).results)


def _end_of_leg(plan: Plan, leg: int) -> Settle:
    """What stands for a leg that delivered nothing, with the typed failure where that is why.

    A target that met the requirement and was lost tells most; then the first typed failure, because the most
    preferred target is the one to mend; then the last unreachable target, a transient reply before a permanent one.
    """
    tried, hop = _tried(plan, leg), plan.legs[leg].hop
    if not tried:
        return settled(_of_hop(hop, plan.legs[leg].refusal or NO_SERVER), plan.recipients)
    lost = [(one.outcome, one.attempt.target.name) for one in reversed(tried) if isinstance(one.outcome, Unreachable)]
    for outcome, server in lost:
        if outcome.requirement_met:
            return settled(outcome.reply, plan.recipients, server=server)
    for one in tried:
        if isinstance(one.outcome, Unmet) and not _goes_on_in_plaintext(plan, one):
            failure, server = one.outcome.failure, one.attempt.target.name
            return settled(failure_reply(failure, server), plan.recipients, failure=failure, server=server)
    outcome, server = next((one for one in lost if one[0].reply.transient), lost[0])
    return settled(_of_hop(hop, outcome.reply), plan.recipients, server=server)


def _of_hop(hop: Hop, reply: Reply) -> Reply:
    """A configured host is the administrator's to mend: mail for it waits, whatever keeps it away."""
    if hop.host is None or not reply.permanent:
        return reply
    return Reply(code=451, enhanced="4.4.1", text=f"{hop} cannot be used: {reply}")


def _tried(plan: Plan, leg: int) -> list[Tried]:
    return [one for one in plan.tried if one.attempt.leg == leg]
