"""Hashes of passwords: what they tell, and what they cost whoever guesses."""

import argon2
import pytest

from percorso.access.passwords import hash_password, is_outdated, is_password

KEPT = hash_password("tàlpa 1234")


def test_the_password_and_no_other() -> None:
    assert is_password(KEPT, "tàlpa 1234")
    assert is_password(KEPT, "ta\u0300lpa 1234")
    assert not is_password(KEPT, "tàlpa 12345")
    assert not is_password(KEPT, "")


def test_every_hash_has_its_own_salt() -> None:
    assert hash_password("tàlpa 1234") != KEPT
    assert "1234" not in KEPT
    assert KEPT.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_without_a_hash_no_password_is_right() -> None:
    assert not is_password("", "")
    assert not is_password("", "the password of no account")


def test_what_is_no_hash_is_an_error_and_no_refusal() -> None:
    with pytest.raises(argon2.exceptions.InvalidHashError):
        is_password("kept in the clear", "kept in the clear")


def test_other_parameters_are_outdated() -> None:
    assert not is_outdated(KEPT)
    old = argon2.PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash("tàlpa 1234")
    assert is_outdated(old)
    assert is_password(old, "tàlpa 1234")
