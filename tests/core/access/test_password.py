"""Passwords as they compare: whatever keyboard they were typed on."""

import pytest

from percorso.core.access.password import MAX_LENGTH, BadPassword, check_new, prepare


def test_composed_and_decomposed_letters_are_one_password() -> None:
    assert prepare("tàlpa") == prepare("ta\u0300lpa") == "tàlpa"


def test_every_kind_of_space_is_a_space() -> None:
    assert prepare("a\u00a0b\u3000c") == "a b c"


def test_letters_that_only_look_alike_are_not_the_same() -> None:
    assert prepare("\ufb01sh") != prepare("fish")
    assert prepare("Fish") != prepare("fish")


@pytest.mark.parametrize(
    "password", ["", "2 brief", "x" * (MAX_LENGTH + 1), "è" * 128, "two\nlines", "tab\tbed in", "nul\0nul\0nul"]
)
def test_refused_as_a_new_password(password: str) -> None:
    with pytest.raises(BadPassword) as refused:
        check_new(password)
    assert not password or password not in str(refused.value)


@pytest.mark.parametrize("password", ["8 letter", "x" * MAX_LENGTH, "tàlpa 1234", " leading and trailing "])
def test_taken_as_a_new_password(password: str) -> None:
    assert check_new(password) == prepare(password)
