"""What comes next in the delivery of a message to recipients that travel together.

1. Every target of a leg is tried until one answers about the message.
2. The alternate secure route (the second leg) is taken in the same attempt when at least one target of the first
   failed with a typed secure-transport failure and none met the requirement.
3. Unreachable targets neither cause nor prevent that; an answer from a target that met the requirement is the outcome.
4. `Uncertain` ends the attempt.
5. Opportunistic mail goes on in plaintext at the same target, over a new connection.
"""

from percorso.core.delivery.plan import Attempt, Plan, Settle
from percorso.core.mail.reply import Reply


def next_step(plan: Plan) -> Attempt | Settle:
    """The next target to try, or what becomes of each recipient."""
    raise NotImplementedError


def settled(reply: Reply, recipients: int) -> Settle:
    """The end of an attempt with one reply for all, such as a decision's refusal."""
    raise NotImplementedError
