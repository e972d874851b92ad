"""Passwords and rates of accounts on disk: with their audit entry, and for all workers together."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw
import pytest

from percorso.core.settings.rate import parse_rate
from percorso.ports.audit import AuditEntry
from percorso.ports.queue import StoreError
from percorso.store import layout
from percorso.store.sqlite.account_rates import SqliteAccountRates
from percorso.store.sqlite.audit_log import SqliteAuditLog
from percorso.store.sqlite.passwords import SqlitePasswords
from percorso.store.sqlite.settings_source import SqliteSettingsSource

NOW = 1_800_000_000.0


def entry(event: str) -> AuditEntry:
    return AuditEntry(at=NOW, actor="root (uid 0)", source="cli", event=event, subject="anna")


def test_passwords_and_what_the_audit_log_tells(tmp_path: Path) -> None:
    passwords = SqlitePasswords(tmp_path)
    assert passwords.get("anna") == ""
    passwords.set("anna", "$one", audit=entry("account:password"))
    passwords.set("anna", "$two", audit=entry("account:password"))
    assert passwords.get("anna") == "$two"
    assert passwords.get("Anna") == ""
    assert passwords.accounts() == frozenset({"anna"})
    passwords.remove("anna", audit=entry("account:password-removed"))
    assert passwords.get("anna") == ""
    audit = SqliteAuditLog(tmp_path)
    told = [record.entry.event for record in audit.entries()]
    assert told == ["account:password-removed", "account:password", "account:password"]
    assert "$" not in repr(list(audit.entries()))
    assert audit.verify() == 3


def test_nothing_to_remove_is_not_audited(tmp_path: Path) -> None:
    with pytest.raises(LookupError):
        SqlitePasswords(tmp_path).remove("anna", audit=entry("account:password-removed"))
    assert SqliteAuditLog(tmp_path).verify() == 0


def test_renewing_does_not_undo_a_change(tmp_path: Path) -> None:
    passwords = SqlitePasswords(tmp_path)
    passwords.set("anna", "$old", audit=entry("account:password"))
    passwords.renew("anna", "$old", "$renewed")
    assert passwords.get("anna") == "$renewed"
    SqlitePasswords(tmp_path).set("anna", "$changed", audit=entry("account:password"))
    passwords.renew("anna", "$renewed", "$late")
    assert passwords.get("anna") == "$changed"
    passwords.renew("nobody", "", "$new")
    assert passwords.accounts() == frozenset({"anna"})


def test_a_change_is_seen_by_an_open_worker_and_is_no_new_version(tmp_path: Path) -> None:
    seen_by_worker, settings = SqlitePasswords(tmp_path), SqliteSettingsSource(tmp_path)
    SqlitePasswords(tmp_path).set("anna", "$one", audit=entry("account:password"))
    assert seen_by_worker.get("anna") == "$one"
    assert not settings.poll()
    settings.close()


def test_a_rate_is_shared_by_the_workers_and_outlives_them(tmp_path: Path) -> None:
    rate = parse_rate("3/1h")
    one, other = SqliteAccountRates(tmp_path), SqliteAccountRates(tmp_path)
    assert [one.take("anna", rate, now=NOW), other.take("anna", rate, now=NOW), one.take("anna", rate, now=NOW)] == [
        0
    ] * 3
    assert other.take("anna", rate, now=NOW) == pytest.approx(1200)
    assert other.take("carla", rate, now=NOW) == 0
    one.close()
    other.close()
    anew = SqliteAccountRates(tmp_path)
    assert anew.take("anna", rate, now=NOW) == pytest.approx(1200)
    assert anew.take("anna", rate, now=NOW + 1200) == 0


def test_workers_at_the_same_time_never_give_out_more(tmp_path: Path) -> None:
    def work() -> int:
        rates = SqliteAccountRates(tmp_path)
        return sum(not rates.take("anna", parse_rate("50/1d"), now=NOW) for _ in range(40))

    with ThreadPoolExecutor(3) as threads:
        assert sum(one.result() for one in [threads.submit(work) for _ in range(3)]) == 50


def test_a_writer_that_takes_long_holds_up_nobody(tmp_path: Path) -> None:
    """What a client asks, it asks on the event loop."""
    rates, rate = SqliteAccountRates(tmp_path), parse_rate("3/1h")
    other = apsw.Connection(str(layout.rates_database(tmp_path)))
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    with pytest.raises(StoreError, match="locked"):
        rates.take("anna", rate, now=NOW)
    assert time.monotonic() - began < 2
    other.execute("ROLLBACK")
    assert rates.take("anna", rate, now=NOW) == 0
