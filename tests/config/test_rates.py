"""Outbound rates as the configuration gives them, and what each worker makes of them."""

import pytest

from percorso.config.rates import outbound_rates


def test_destinations() -> None:
    rates = outbound_rates({"Bank.Test.": "100/1m", "*": "10/1s", "host encryptor": "1/1h"}, workers=1)
    assert {name: (rate.count, rate.seconds) for name, rate in rates.items()} == {
        "bank.test": (100, 60.0),
        "*": (10, 1.0),
        "host encryptor": (1, 3600.0),
    }


@pytest.mark.parametrize("workers", [1, 2, 3, 7, 100, 250])
def test_workers_together_keep_to_the_rate(workers: int) -> None:
    rate = outbound_rates({"*": "100/1m"}, workers=workers)["*"]
    assert workers * rate.count / rate.seconds == pytest.approx(100 / 60)
    assert workers * rate.count <= 100 or rate.count == 1
