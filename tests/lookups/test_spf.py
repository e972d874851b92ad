"""SPF records, evaluated for one address (RFC 7208)."""

import pytest

from percorso.lookups.spf import MAX_LOOKUPS, Spf, check_spf
from percorso.ports.resolver import LookupFailed
from tests.network.names import Names


def published() -> Names:
    names = Names()
    names.host("mx.corp.test", "192.0.2.10", "2001:db8::10")
    names.host("corp.test", "192.0.2.1")
    names.mx("corp.test", (10, "mx.corp.test"))
    names.set("_spf.esp.test", "TXT", '"v=spf1 ip4:203.0.113.0/24 ~all"')
    names.set("nothing.test", "TXT", '"hello"')
    return names


@pytest.mark.parametrize(
    ("record", "address", "expected"),
    [
        ("v=spf1 ip4:192.0.2.7 -all", "192.0.2.7", Spf.PASS),
        ("v=spf1 ip4:192.0.2.7 -all", "192.0.2.8", Spf.FAIL),
        ("v=spf1 ip4:192.0.2.0/24 ~all", "192.0.2.8", Spf.PASS),
        ("v=spf1 ip4:192.0.2.0/24 ~all", "198.51.100.1", Spf.SOFTFAIL),
        ("v=spf1 ?all", "192.0.2.8", Spf.NEUTRAL),
        ("v=spf1", "192.0.2.8", Spf.NEUTRAL),
        ("V=SPF1 +ALL", "192.0.2.8", Spf.PASS),
        ("v=spf1 ip6:2001:db8::/32 -all", "2001:db8::5", Spf.PASS),
        ("v=spf1 ip6:2001:db8::/32 -all", "192.0.2.1", Spf.FAIL),
        ("v=spf1 a -all", "192.0.2.1", Spf.PASS),
        ("v=spf1 a/24 -all", "192.0.2.200", Spf.PASS),
        ("v=spf1 a:mx.corp.test -all", "192.0.2.10", Spf.PASS),
        ("v=spf1 a:mx.corp.test -all", "192.0.2.1", Spf.FAIL),
        ("v=spf1 a:mx.corp.test//64 -all", "2001:db8::99", Spf.PASS),
        ("v=spf1 mx -all", "192.0.2.10", Spf.PASS),
        ("v=spf1 mx -all", "2001:db8::10", Spf.PASS),
        ("v=spf1 mx -all", "192.0.2.1", Spf.FAIL),
        ("v=spf1 -ip4:192.0.2.10 mx -all", "192.0.2.10", Spf.FAIL),
        ("v=spf1 include:_spf.esp.test -all", "203.0.113.9", Spf.PASS),
        ("v=spf1 include:_spf.esp.test -all", "192.0.2.9", Spf.FAIL),
        ("v=spf1 include:nothing.test -all", "192.0.2.9", Spf.PERMERROR),
        ("v=spf1 redirect=_spf.esp.test", "203.0.113.9", Spf.PASS),
        ("v=spf1 redirect=_spf.esp.test", "192.0.2.9", Spf.SOFTFAIL),
        ("v=spf1 redirect=nothing.test", "192.0.2.9", Spf.PERMERROR),
        ("v=spf1 exp=why.corp.test -all", "192.0.2.9", Spf.FAIL),
        ("v=spf1 exists:%{i}.corp.test -all", "192.0.2.9", Spf.CANNOT_TELL),
        ("v=spf1 ptr -all", "192.0.2.9", Spf.CANNOT_TELL),
        ("v=spf1 include:%{d2} -all", "192.0.2.9", Spf.CANNOT_TELL),
        ("v=spf1 nonsense -all", "192.0.2.9", Spf.PERMERROR),
        ("v=spf1 ip4:nonsense -all", "192.0.2.9", Spf.PERMERROR),
        ("v=spf10 +all", "192.0.2.9", Spf.NONE),
    ],
)
async def test_results(record: str, address: str, expected: Spf) -> None:
    names = published()
    half = len(record) // 2
    names.set("corp.test", "TXT", '"something else"', f'"{record[:half]}" "{record[half:]}"')
    answer = await check_spf(names, "corp.test", address)
    assert answer.result is expected, answer.why
    assert answer.why


async def test_no_record_and_two() -> None:
    names = published()
    assert (await check_spf(names, "corp.test", "192.0.2.1")).result is Spf.NONE
    names.set("corp.test", "TXT", '"v=spf1 mx"', '"v=spf1 a"')
    assert (await check_spf(names, "corp.test", "192.0.2.1")).result is Spf.PERMERROR


async def test_look_ups_are_limited_also_in_a_circle() -> None:
    names = published()
    names.set("corp.test", "TXT", '"v=spf1 include:corp.test -all"')
    answer = await check_spf(names, "corp.test", "192.0.2.1")
    assert answer.result is Spf.PERMERROR
    assert len(names.asked) == MAX_LOOKUPS + 1


async def test_a_failed_look_up_is_no_result() -> None:
    names = published()
    names.set("corp.test", "TXT", '"v=spf1 include:_spf.esp.test -all"')
    names.fail("_spf.esp.test")
    with pytest.raises(LookupFailed):
        await check_spf(names, "corp.test", "192.0.2.1")
