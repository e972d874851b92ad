"""A job: recipients of one message that travel together, and what was decided for each."""

from collections.abc import Hashable

import msgspec

from percorso.core.mail.reply import Reply
from percorso.core.policy.decision import Decision, Hop
from percorso.core.policy.settings import Settings
from percorso.delivery.hand import Held
from percorso.ports.queue import Claim, Content, QueuedMessage, QueuedRecipient


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """The decisions stand beside the recipients, in their order; they agree on hops and refusal."""

    held: Held
    """The claim that these recipients are of."""
    recipients: tuple[QueuedRecipient, ...]
    decisions: tuple[Decision, ...]
    settings: Settings
    """The settings that it was decided under."""
    message_id: str = ""
    signed: Content | None = None
    """The message with the signature that it leaves with, where it has one."""

    @property
    def message(self) -> QueuedMessage:
        """The message."""
        return self.held.claim.message

    @property
    def content(self) -> Content:
        """What is sent."""
        return self.signed or self.message.content

    @property
    def owner(self) -> Hashable:
        """Whose mail it is, where mail of one is not to delay that of others: the account's, else the sender's."""
        return self.held.owner

    @property
    def hops(self) -> tuple[Hop, ...]:
        """One or two, or none where `refusal` says why."""
        return self.decisions[0].hops

    @property
    def refusal(self) -> Reply | None:
        """Why the recipients go nowhere, if so."""
        return self.decisions[0].refusal

    @property
    def destination(self) -> str:
        """What its connections are counted for: the domain or the host that it goes to first."""
        return str(self.hops[0]) if self.hops else "nowhere"

    @property
    def untried(self) -> Claim:
        """Its recipients as a claim, to be given back."""
        return msgspec.structs.replace(self.held.claim, recipients=self.recipients)
