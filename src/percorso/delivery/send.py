"""Send one message to one target: over a kept connection or a new one, if it meets the requirement.

Right before MAIL the settings must be those that the message was decided under: it may have waited long for its turn,
for a connection or for another target, and a setting that came meanwhile may require more.
"""

from percorso.core.delivery.outcome import TargetOutcome
from percorso.core.evidence.record import TlsFacts
from percorso.core.evidence.tls import tls_facts
from percorso.delivery.connection import Connection, Stale
from percorso.delivery.dial import NoConnection, open_connection
from percorso.delivery.job import Job
from percorso.delivery.options import DeliveryOptions
from percorso.delivery.pool import ConnectionPool
from percorso.delivery.way import Way
from percorso.ports.dialer import Dialer
from percorso.ports.settings import SettingsSource


class Outdated(Exception):
    """The settings changed since the decision: nothing was sent, and the recipients are to be decided on again."""


class Sender:
    """Knows how to get at connections."""

    def __init__(
        self, dialer: Dialer, pool: ConnectionPool, options: DeliveryOptions, settings: SettingsSource
    ) -> None:
        self._dialer = dialer
        self._pool = pool
        self._options = options
        self._settings = settings

    async def send(self, job: Job, way: Way) -> tuple[TargetOutcome, TlsFacts]:
        """What came of it, and what the connection showed of itself. Raises `Outdated`."""
        connection = self._pool.take(way)
        if connection is not None:
            try:
                return await self._over(connection, job, way)
            except Stale:
                pass  # a new connection tells how the target is
        try:
            connection = await open_connection(self._dialer, way, self._options)
        except NoConnection as error:
            return error.outcome, tls_facts(error.handshake)
        return await self._over(connection, job, way)

    async def _over(self, connection: Connection, job: Job, way: Way) -> tuple[TargetOutcome, TlsFacts]:
        if job.settings is not self._settings.current:
            self._pool.give_back(connection, way)
            raise Outdated
        message = job.message
        recipients = tuple([queued.recipient for queued in job.recipients])
        outcome = await connection.transact(way.requirement, message.envelope, recipients, job.content)
        self._pool.give_back(connection, way)
        return outcome, connection.tls
