"""What one check found: how it stands, what was seen, and what to do about it."""

import enum

import msgspec


class Health(enum.StrEnum):
    """How a thing stands."""

    OK = "ok"
    WARN = "warn"
    """It works, and will not do for long or for everybody."""
    FAIL = "fail"
    """Mail is lost, refused or exposed because of it."""
    UNKNOWN = "unknown"
    """It could not be looked at; `seen` says why."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One finding. `mend` is empty where nothing is to be done."""

    check: str
    health: Health
    seen: str
    mend: str = ""


def ok(check: str, seen: str) -> Finding:
    """Nothing to do."""
    return Finding(check=check, health=Health.OK, seen=seen)


def warn(check: str, seen: str, mend: str) -> Finding:
    """To be mended some day."""
    return Finding(check=check, health=Health.WARN, seen=seen, mend=mend)


def fail(check: str, seen: str, mend: str) -> Finding:
    """To be mended now."""
    return Finding(check=check, health=Health.FAIL, seen=seen, mend=mend)


def unknown(check: str, seen: str, mend: str = "") -> Finding:
    """Not looked at, and why."""
    return Finding(check=check, health=Health.UNKNOWN, seen=seen, mend=mend)
