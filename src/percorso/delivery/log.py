"""The lines that delivery writes to the log: addresses and replies, never content.

One line for each recipient and attempt, in the way of a mail log: `key=value`, what failed or replied in parentheses.
"""

import logging

from percorso.core.delivery.outcome import Status
from percorso.core.mail.reply import Reply
from percorso.delivery.ended import Ended
from percorso.delivery.job import Job

_log = logging.getLogger("percorso.delivery")

_LEVELS = {
    Status.DELIVERED: logging.INFO,
    Status.DEFERRED: logging.INFO,
    Status.FAILED: logging.WARNING,
    Status.UNCERTAIN: logging.WARNING,
    Status.HELD: logging.ERROR,
}


def settled(ended: Ended, index: int, status: Status, reply: Reply) -> None:
    """What became of one recipient."""
    level = _LEVELS[status]
    if not _log.isEnabledFor(level):
        return
    message, tls = ended.job.message, ended.tls
    _log.log(
        level,
        "%s: to=<%s>, route=%s%s, target=%s, tls=%s, delay=%.2f, status=%s (%s)",
        message.id,
        _safe(str(ended.job.recipients[index].recipient.address)),
        ended.route,
        " (alternate)" if ended.hop and ended.hop.alternate else "",
        ended.target or "none",
        f"{tls.version} {tls.cipher} {'trusted' if tls.trusted and tls.name_matches else 'untrusted'}"
        if tls.version
        else "none",
        max(0.0, ended.at - message.accepted_at),
        status.value,
        _safe(f"{ended.settle.failure.type.value}: {reply}" if ended.settle.failure else str(reply)),
    )


def crowded(destination: str, jobs: int) -> None:
    """Jobs went back to the queue, because their destination has enough in hand."""
    _log.info("%s: %d deliveries given back, the destination is slow or down", destination, jobs)


def broken(job: Job) -> None:
    """An error of ours, with its trace, while a job was under way."""
    _log.exception("%s: internal error; the message stays in the queue", job.message.id)


def undecided(queue_id: str) -> None:
    """An error of ours, with its trace, while a claim was decided on."""
    _log.exception("%s: internal error before it was tried; the message stays in the queue", queue_id)


def _safe(text: str) -> str:
    """The text on one line, whatever a peer said."""
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
