"""Judges credentials: brakes, then what was verified lately, then the hash.

1. Brakes come first: who guesses is told to wait, before anything is computed (`core.access.brakes`).
2. Hashes are computed by few threads, so that neither memory nor the event loop is at the mercy of clients; who finds
   too many waiting is told to come back.
3. The same credentials that are being verified already are not verified again: they hear the same verdict.
4. What was right a moment ago is right without hashing, as long as the kept hash is the same. Only a keyed digest is
   remembered, in this process's memory, for a short time.
5. An account that does not exist takes as long as one with another password.
"""

import asyncio
import hashlib
import logging
import secrets
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from percorso.access.passwords import hash_password, is_outdated, is_password
from percorso.core.access.brakes import Brakes
from percorso.core.access.password import prepare
from percorso.ports.accounts import Credentials, PasswordStore, Verdict
from percorso.ports.clock import Clock
from percorso.ports.queue import StoreError
from percorso.ports.settings import SettingsSource

_log = logging.getLogger("percorso.access")

THREADS: Final = 2
WAITING: Final = 100
"""Verifications that may be under way or wait for a thread."""
BUSY: Final = 5.0
"""Seconds after which to try again where too many wait."""
REMEMBERED: Final = 300.0
"""Seconds for which a verified password is right without hashing."""
MAX_REMEMBERED: Final = 10_000

_RIGHT: Final = Verdict(right=True)
_WRONG: Final = Verdict()
Done = Callable[[Verdict], None]


class PasswordAuthenticator:
    """`Authenticator` of one worker; for the event loop's thread only."""

    def __init__(
        self, store: PasswordStore, settings: SettingsSource, clock: Clock, *, brakes: Brakes | None = None
    ) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._brakes = brakes or Brakes()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="password")
        self._key = secrets.token_bytes(32)
        self._under_way: dict[bytes, list[Done]] = {}
        self._remembered: OrderedDict[bytes, float] = OrderedDict()  # until when, monotonic seconds

    def check(self, credentials: Credentials, done: Done) -> None:
        """Judge them; `done` is called once, on the event loop, and maybe before this returns."""
        try:
            encoded = self._encoded(credentials.account)
        except StoreError as error:
            _log.error("passwords cannot be read: %s", error)
            done(Verdict(wait=BUSY))
            return
        digest = self._digest(credentials, encoded)
        if digest in self._under_way:
            self._under_way[digest].append(done)
            return
        now = self._clock.monotonic()
        wait = self._brakes.attempt(credentials.client, credentials.account, now)
        if wait:
            _log.warning(
                "%s: is to wait before it tries again as %s", credentials.client, self._named(credentials.account)
            )
            done(Verdict(wait=wait))
        elif self._remembered.get(digest, 0.0) > now:
            self._brakes.succeeded(credentials.client, credentials.account, now)
            done(_RIGHT)
        elif len(self._under_way) >= WAITING:
            self._brakes.withdrawn(credentials.client, credentials.account, now)
            done(Verdict(wait=BUSY))
        else:
            self._verify(credentials, encoded, digest, done)

    def close(self) -> None:
        """Verify no more; what waits is never answered."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _encoded(self, account: str) -> str:
        """The hash of an account that the settings have; "" for any other."""
        encoded = self._store.get(account)
        return encoded if account in self._settings.current.accounts else ""

    def _digest(self, credentials: Credentials, encoded: str) -> bytes:
        """What stands for the credentials in memory: with another hash kept, it is another one."""
        parts = (credentials.client, credentials.account, encoded, prepare(credentials.password))
        octets = b"".join(len(part).to_bytes(4) + part for part in (text.encode("utf-8") for text in parts))
        return hashlib.blake2b(octets, key=self._key, digest_size=32).digest()

    def _verify(self, credentials: Credentials, encoded: str, digest: bytes, done: Done) -> None:
        self._under_way[digest] = [done]
        judged = asyncio.get_running_loop().run_in_executor(self._threads, _judge, encoded, credentials.password)
        judged.add_done_callback(partial(self._judged, credentials, encoded, digest))

    def _judged(
        self, credentials: Credentials, encoded: str, digest: bytes, judged: asyncio.Future[tuple[bool, str]]
    ) -> None:
        waiting = self._under_way.pop(digest)
        if judged.cancelled():
            return
        verdict = self._verdict(credentials, encoded, digest, judged)
        for done in waiting:
            done(verdict)

    def _verdict(
        self, credentials: Credentials, encoded: str, digest: bytes, judged: asyncio.Future[tuple[bool, str]]
    ) -> Verdict:
        now = self._clock.monotonic()
        if error := judged.exception():
            _log.error("a password cannot be verified: %s", error)
            self._brakes.withdrawn(credentials.client, credentials.account, now)
            return Verdict(wait=BUSY)
        right, renewed = judged.result()
        if not right:
            _log.warning("%s: failed to authenticate as %s", credentials.client, self._named(credentials.account))
            return _WRONG
        self._brakes.succeeded(credentials.client, credentials.account, now)
        self._remember(digest, now)
        if renewed:
            self._renew(credentials.account, encoded, renewed)
        return _RIGHT

    def _named(self, account: str) -> str:
        """The account for the log. What is none may be a password that was typed in the wrong place."""
        return account if account in self._settings.current.accounts else "an account that there is not"

    def _remember(self, digest: bytes, now: float) -> None:
        self._remembered[digest] = now + REMEMBERED
        self._remembered.move_to_end(digest)
        while len(self._remembered) > MAX_REMEMBERED or next(iter(self._remembered.values())) <= now:
            self._remembered.popitem(last=False)

    def _renew(self, account: str, old: str, new: str) -> None:
        try:
            self._store.renew(account, old, new)
        except StoreError as error:
            _log.warning("the hash of %r cannot be renewed: %s", account, error)


def _judge(encoded: str, password: str) -> tuple[bool, str]:
    """In a thread: whether it is right, and a new hash where the kept one has old parameters."""
    right = is_password(encoded, password)
    return right, hash_password(password) if right and is_outdated(encoded) else ""
