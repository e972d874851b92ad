"""Credentials judged: right, wrong, too often; and what is computed for it."""

import asyncio
import logging
from collections.abc import Iterator

import argon2
import pytest

from percorso.access import authenticator as module
from percorso.access.authenticator import BUSY, REMEMBERED, PasswordAuthenticator
from percorso.access.passwords import hash_password, is_outdated
from percorso.core.access.brakes import OF_PAIR
from percorso.ports.accounts import Credentials, Verdict
from percorso.ports.queue import StoreError
from tests.network.clock import VirtualClock
from tests.operations.stores_in_memory import MemoryAudit, MemoryPasswords
from tests.reception.parts import FixedSettings

SETTINGS = """
[organization]
domains = ["corp.test"]

[[account]]
name = "anna"
addresses = ["anna@corp.test"]

[[account]]
name = "scanner"
addresses = ["scanner@corp.test"]
"""
RIGHT = "tàlpa 1234"
KEPT = hash_password(RIGHT)


class Desk:
    """An authenticator with its parts in hand, and a count of the hashes that it computed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.passwords = MemoryPasswords(MemoryAudit())
        self.passwords.kept = {"anna": KEPT, "removed": KEPT}
        self.settings = FixedSettings(SETTINGS)
        self.clock = VirtualClock()
        self.computed = 0
        self.authenticator = PasswordAuthenticator(self.passwords, self.settings, self.clock)
        judge = module._judge

        def counted(encoded: str, password: str) -> tuple[bool, str]:
            self.computed += 1
            return judge(encoded, password)

        monkeypatch.setattr(module, "_judge", counted)

    def start(self, account: str, password: str, client: str = "192.0.2.1") -> "asyncio.Future[Verdict]":
        verdict: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        credentials = Credentials(client=client, account=account, password=password)
        self.authenticator.check(credentials, verdict.set_result)
        return verdict

    async def check(self, account: str, password: str, client: str = "192.0.2.1") -> Verdict:
        return await asyncio.wait_for(self.start(account, password, client), 10.0)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    made = Desk(monkeypatch)
    yield made
    made.authenticator.close()


async def test_right(desk: Desk) -> None:
    assert await desk.check("anna", RIGHT) == Verdict(right=True)


@pytest.mark.parametrize(
    ("account", "password"),
    [
        ("anna", "tàlpa 12345"),
        ("Anna", RIGHT),
        ("scanner", RIGHT),  # has no password
        ("scanner", ""),
        ("removed", RIGHT),  # has one, and is in the settings no more
        ("nobody", RIGHT),
        ("nobody", "the password of no account"),
        ("", ""),
    ],
)
async def test_wrong(desk: Desk, account: str, password: str) -> None:
    assert await desk.check(account, password) == Verdict()
    assert desk.computed == 1, "what does not exist takes as long"


async def test_guesses_are_braked_before_anything_is_computed(desk: Desk) -> None:
    for number in range(OF_PAIR.failures):
        assert await desk.check("anna", f"guess {number}") == Verdict()
    braked = await desk.check("anna", RIGHT)
    assert not braked.right
    assert braked.wait == pytest.approx(OF_PAIR.forgotten_after)
    assert desk.computed == OF_PAIR.failures
    assert (await desk.check("anna", RIGHT, client="198.51.100.7")).right, "elsewhere the owner is let in"
    desk.clock.advance(braked.wait)
    assert (await desk.check("anna", RIGHT)).right


async def test_guesses_all_at_once(desk: Desk) -> None:
    attempts = [desk.start("anna", f"guess {number}") for number in range(200)]
    verdicts = await asyncio.gather(*attempts)
    assert sum(not verdict.wait for verdict in verdicts) == desk.computed == OF_PAIR.failures


async def test_an_application_that_opens_many_connections_at_once(desk: Desk) -> None:
    """The same credentials are verified once, so that a pool of connections is no guessing."""
    attempts = [desk.start("anna", RIGHT) for _ in range(200)]
    assert all(verdict.right for verdict in await asyncio.gather(*attempts))
    assert desk.computed == 1


async def test_what_was_right_a_moment_ago_is_not_computed_again(desk: Desk) -> None:
    for _ in range(50):
        assert (await desk.check("anna", RIGHT)).right
    assert desk.computed == 1
    assert (await desk.check("anna", RIGHT, client="198.51.100.7")).right
    assert desk.computed == 2, "from elsewhere it is"
    desk.clock.advance(REMEMBERED)
    assert (await desk.check("anna", RIGHT)).right
    assert desk.computed == 3


async def test_a_new_password_ends_the_old_one_at_once(desk: Desk) -> None:
    assert (await desk.check("anna", RIGHT)).right
    desk.passwords.kept["anna"] = hash_password("another one")
    assert not (await desk.check("anna", RIGHT)).right
    assert (await desk.check("anna", "another one")).right


async def test_a_removed_account_is_out_at_once(desk: Desk) -> None:
    assert (await desk.check("anna", RIGHT)).right
    desk.settings.current.accounts.pop("anna")
    assert not (await desk.check("anna", RIGHT)).right


async def test_what_is_remembered_holds_no_password(desk: Desk) -> None:
    await desk.check("anna", RIGHT)
    kept = repr(vars(desk.authenticator))
    assert RIGHT not in kept
    assert KEPT not in kept


async def test_old_parameters_are_renewed_at_the_next_success(desk: Desk) -> None:
    old = argon2.PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(RIGHT)
    desk.passwords.kept["anna"] = old
    assert not (await desk.check("anna", "wrong wrong")).right
    assert desk.passwords.kept["anna"] == old
    assert (await desk.check("anna", RIGHT)).right
    assert not is_outdated(desk.passwords.kept["anna"])
    assert (await desk.check("anna", RIGHT)).right


async def test_more_than_can_wait_come_back_later(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is for a few at a time, whoever asks; and to be turned away is no failure."""
    monkeypatch.setattr(module, "WAITING", 3)
    attempts = [desk.start("anna", f"guess {number}", client=f"198.51.100.{number}") for number in range(3)]
    for _ in range(20):
        assert await desk.check("anna", RIGHT) == Verdict(wait=BUSY)
    await asyncio.gather(*attempts)
    assert desk.computed == 3
    assert (await desk.check("anna", RIGHT)).right


async def test_a_store_that_fails_is_no_wrong_password(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_account: str) -> str:
        raise StoreError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(desk.passwords, "get", fail)
        for _ in range(20):
            assert await desk.check("anna", RIGHT) == Verdict(wait=BUSY)
    assert (await desk.check("anna", RIGHT)).right


async def test_a_hash_that_cannot_be_computed_is_no_wrong_password(desk: Desk) -> None:
    desk.passwords.kept["anna"] = "$argon2id$broken"
    for _ in range(20):
        assert await desk.check("anna", RIGHT) == Verdict(wait=BUSY)
    desk.passwords.kept["anna"] = KEPT
    assert (await desk.check("anna", RIGHT)).right


async def test_the_log_tells_who_and_never_what(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for _ in range(7):
        await desk.check("anna", "a guess that is wrong")
        await desk.check("typed my passw0rd as name", "anna")
    assert "192.0.2.1: failed to authenticate as anna" in caplog.text
    assert "192.0.2.1: failed to authenticate as an account that there is not" in caplog.text
    assert "is to wait" in caplog.text
    assert "passw0rd" not in caplog.text
    assert "a guess" not in caplog.text


def test_credentials_do_not_show_the_password() -> None:
    credentials = Credentials(client="192.0.2.1", account="anna", password=RIGHT)
    assert RIGHT not in repr(credentials)
    assert RIGHT not in str(credentials.__rich_repr__())
