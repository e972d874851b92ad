"""Where alerts go: the log, the administrators' mailboxes, and a webhook. Each by itself, whatever the others do.

The message enters the node's own queue with the null sender and the requirement `encrypted`: to an own domain it goes
to the inbound host, elsewhere direct, never over the alternate secure route, which may be what it is about; and it is
held rather than sent in plaintext.
"""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from functools import partial
from threading import Thread
from typing import Final

from percorso.core.alerts.course import Alert, Change
from percorso.core.alerts.message import Letterhead, signature, write_message, write_payload
from percorso.core.alerts.words import title
from percorso.core.mail.envelope import Arrival, Envelope, EnvelopeRecipient
from percorso.core.policy.settings import Alerting
from percorso.core.tls.requirement import ENCRYPTED
from percorso.net.webhook import NotPosted, Webhook
from percorso.ports.queue import NewMessage, NewRecipient, Queue, StoreError
from percorso.ports.secrets import SecretStore
from percorso.ports.settings import SettingsSource

SIGNATURE: Final = "Percorso-Signature"
"""The header field of a webhook's request that proves it ours."""
_ACCEPT_SECONDS: Final = 30.0
_log = logging.getLogger("percorso.alerts")


class Teller:
    """Tells alerts, in the language and to whom the settings of the moment say."""

    def __init__(
        self, *, node: str, settings: SettingsSource, queue: Queue, webhook: Webhook, secrets_of_node: SecretStore
    ) -> None:
        self._node = node
        self._settings = settings
        self._queue = queue
        self._webhook = webhook
        self._secrets = secrets_of_node

    async def tell(self, alerts: Sequence[Alert], now: float) -> None:
        """Everywhere; what cannot be told somewhere is said in the log."""
        settings = self._settings.current
        for alert in alerts:
            level = logging.WARNING if alert.change is Change.RECOVERED else logging.ERROR
            condition = alert.condition
            figure = f" ({condition.figure})" if condition.figure else ""
            _log.log(level, "%s: %s%s", condition.kind.value, title(alert, "en"), figure)
        if settings.alerting.recipients:
            await self._mail(alerts, settings.alerting, settings.language, now)
        if settings.alerting.webhook:
            payload = write_payload(alerts, settings.language, self._node, now)
            # A thread of its own: neither the next look nor the end of the node waits for a slow webhook.
            Thread(target=self._post, args=(settings.alerting, payload), name="webhook", daemon=True).start()

    async def _mail(self, alerts: Sequence[Alert], to: Alerting, language: str, now: float) -> None:
        letterhead = Letterhead(node=self._node, message_id=f"<{secrets.token_hex(12)}@{self._node}>", date=now)
        answer: asyncio.Future[StoreError | None] = asyncio.get_running_loop().create_future()
        try:
            writer = self._queue.compose()
            text = write_message(alerts, to.recipients, language, letterhead)
            writer.write(text)
            message = NewMessage(
                id=writer.id,
                envelope=Envelope(sender=None, smtputf8=any(one.needs_smtputf8 for one in to.recipients)),
                recipients=tuple(
                    NewRecipient(recipient=EnvelopeRecipient(address=address), kept=ENCRYPTED)
                    for address in to.recipients
                ),
                arrival=Arrival(client="", helo=self._node, listener="", own_report=True),
                accepted_at=now,
                content=writer.finish(),
            )
            self._queue.accept(message, partial(_answer, answer))
            async with asyncio.timeout(_ACCEPT_SECONDS):
                error = await answer
        except (StoreError, TimeoutError) as problem:
            error = problem if isinstance(problem, StoreError) else StoreError("the store does not answer")
        if error is not None:
            _log.error("the alert cannot be mailed: %s", error)

    def _post(self, to: Alerting, payload: bytes) -> None:
        """Blocks for at most about a minute and a half."""
        headers = {"User-Agent": "percorso"}
        try:
            if to.webhook_secret:
                headers[SIGNATURE] = signature(payload, self._secrets.get(to.webhook_secret))
            self._webhook.post(to.webhook, payload, headers)
        except (NotPosted, LookupError, StoreError) as error:
            _log.error("the alert cannot be posted to the webhook: %s", error.args[0] if error.args else error)


def _answer(future: "asyncio.Future[StoreError | None]", error: StoreError | None) -> None:
    if not future.done():  # it may have been given up
        future.set_result(error)
