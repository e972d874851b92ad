"""The hops: what the alternate host, the inbound host and the recipient's own servers have to prove."""

from typing import Any

import pytest

from percorso.core.policy.compile import compile_settings
from percorso.core.policy.decide import decide
from percorso.core.policy.decision import Hop, Reason
from percorso.core.policy.facts import Facts, LookupState, Published
from percorso.core.policy.settings import Settings
from percorso.core.settings.schema import Document
from percorso.core.settings.toml import read_toml
from percorso.core.tls.requirement import IdentityClause, Requirement, StsPolicy, TlsVersion
from tests.core.policy.world import DOCUMENT, mail, settings

CA_AND_HOST = IdentityClause(ca=True, host=True)
PIN = "2" * 64
FOUND = Published(
    sts=LookupState.FOUND,
    sts_policy=StsPolicy(id="1", mx=("mx.open.test",)),
    dane=LookupState.FOUND,
    dane_servers=("mx.open.test",),
)
PLAIN_HOST = """
[organization]
domains = ["corp.test"]
min_tls = "1.0"
[[host]]
name = "gateway"
primary = [{ address = "gw.corp.test" }]
require_ca = false
validate_hostname = false
min_tls = "1.0"
OPTIONS
[[alternate_secure_route]]
host = "gateway"
when = "WHEN"
[[routing_rule]]
name = "to open.test"
match = { recipient = "open.test" }
"""


def unchecked(text: str, when: str = "required") -> Settings:
    """Settings that `settings check` may refuse, because their host is weak: a decision must be safe all the same."""
    tables = read_toml(text.replace("OPTIONS", "").replace("WHEN", when))
    return compile_settings(Document.model_validate(tables), version=7)


def hops(facts: Facts, text: str, when: str = "required") -> tuple[Hop, ...]:
    return decide(facts, unchecked(text, when)).hops


def test_alternate_host_never_below_encrypted() -> None:
    (hop,) = hops(mail("", "bob@open.test"), PLAIN_HOST)
    assert hop.alternate
    assert hop.requirement == Requirement(encrypted=True, min_version=TlsVersion.TLS_1_0)


def test_host_of_its_own_key_proves_by_it_what_the_setting_asks() -> None:
    text = PLAIN_HOST.replace("OPTIONS", f'pin = "{PIN}"')
    text += '[[tls_compliance]]\nname = "all"\nall = true\ndane_satisfies = false\n'
    (hop,) = hops(mail("", "bob@open.test"), text)
    asked = IdentityClause(ca=True, host=True, pins=(PIN,), dane_satisfies=False)
    assert set(hop.requirement.identity) == {asked, IdentityClause(pins=(PIN,))}


def test_what_names_the_recipients_servers_does_not_transfer_to_the_host() -> None:
    text = PLAIN_HOST + (
        f'[[tls_compliance]]\nname = "all"\nall = true\nrequire_ca = false\n'
        f'pin = "{PIN}"\nca_file = "/etc/ca.pem"\nmatch = ["mail.open.test"]\n'
    )
    direct, alternate = hops(mail("", "bob@open.test", published=FOUND), text, "on-failure")
    assert direct.requirement.identity == (
        IdentityClause(host=True, names=("mail.open.test",), pins=(PIN,), ca_file="/etc/ca.pem"),
    )
    assert direct.requirement.sts == FOUND.sts_policy
    assert direct.requirement.dane
    assert alternate.requirement == Requirement(
        encrypted=True, min_version=TlsVersion.TLS_1_2, identity=(IdentityClause(host=True),)
    )


def test_requiretls_transfers_to_the_host() -> None:
    (hop,) = hops(mail("", "bob@else.test", requiretls=True), PLAIN_HOST)
    assert hop.host
    assert hop.requirement.requiretls


def test_organizations_floor_holds_for_every_requirement() -> None:
    text = PLAIN_HOST.replace(
        '[organization]\ndomains = ["corp.test"]\nmin_tls = "1.0"', '[organization]\nmin_tls = "1.3"'
    )
    facts = mail("", "bob@open.test", published=FOUND)
    assert [hop.requirement.min_version for hop in hops(facts, text, "on-failure")] == [TlsVersion.TLS_1_3] * 2
    (only_published,) = hops(mail("", "bob@else.test", published=FOUND), text)
    assert only_published.requirement.min_version == TlsVersion.TLS_1_3
    assert decide(facts, unchecked(text)).requirement.min_version == TlsVersion.TLS_1_3
    (nothing,) = hops(mail("", "bob@else.test"), text)
    assert nothing.requirement == Requirement()


@pytest.mark.parametrize("when", ["required", "unlisted", "on-failure"])
def test_destination_policy_diverts_where_it_may(when: str) -> None:
    text = PLAIN_HOST.replace('when = "WHEN"', 'when = "WHEN"\ndivert_destination_policy = true')
    facts = mail("", "bob@else.test", published=FOUND)
    decision = decide(facts, unchecked(text, when))
    assert decision.reason is Reason.DESTINATION_POLICY
    assert [str(hop) for hop in decision.hops] == ["direct to else.test", "host gateway"]
    assert decision.hops[1].requirement == Requirement(encrypted=True, min_version=TlsVersion.TLS_1_0)
    assert decision.rules == ("alternate_secure_route/",)


def test_diverted_destination_policy_is_encrypted_and_floored_whatever_the_host_asks() -> None:
    text = PLAIN_HOST.replace("OPTIONS", "require_tls = false").replace(
        'when = "WHEN"', "divert_destination_policy = true"
    )
    facts = mail("", "bob@else.test", published=FOUND)
    assert hops(facts, text)[1].requirement == Requirement(encrypted=True, min_version=TlsVersion.TLS_1_0)
    floored = text.replace('domains = ["corp.test"]\nmin_tls = "1.0"', 'min_tls = "1.3"')
    assert hops(facts, floored)[1].requirement == Requirement(encrypted=True, min_version=TlsVersion.TLS_1_3)


@pytest.mark.parametrize("never", [{"arrived_from": "gateway"}, {"own_report": True}])
def test_destination_policy_never_diverts_what_may_not(never: dict[str, Any]) -> None:
    text = PLAIN_HOST.replace('when = "WHEN"', 'when = "WHEN"\ndivert_destination_policy = true')
    (hop,) = hops(mail("", "bob@else.test", published=FOUND, **never), text, "on-failure")
    assert hop.host is None


def test_list_of_a_setting_that_only_adds_checks_lists_nobody() -> None:
    extra = """
[[tls_compliance]]
name = "Lists nobody"
applies_to = "outbound-required-elsewhere"
lists = ["partners"]
"""
    text = DOCUMENT.replace('lists = ["partners"]', 'lists = ["pinned"]') + extra
    facts = mail("user@corp.test", "bob@bank.test", requiretls=True)
    decision = decide(facts, settings("unlisted", text=text))
    assert decision.reason is Reason.ALTERNATE_UNLISTED
    assert "tls_compliance/Lists nobody" in decision.rules


def test_list_of_another_units_setting_lists_nobody() -> None:
    extra = """
[[tls_compliance]]
name = "Only of Finance"
unit = "/Finance"
lists = ["others"]
[[address_list]]
name = "others"
entries = ["open.test"]
"""
    compiled = settings("unlisted", extra=extra)
    own = mail("cfo@corp.test", "bob@open.test", lists=DOCUMENT + extra)
    foreign = mail("a@lab.corp.test", "bob@open.test", lists=DOCUMENT + extra, header_from=("cfo@corp.test",))
    assert decide(own, compiled).reason is Reason.LISTED_DIRECT
    assert decide(foreign, compiled).reason is Reason.ALTERNATE_UNLISTED


def test_kept_requirement_outlives_laxer_settings() -> None:
    before = decide(mail("user@corp.test", "bob@bank.test"), settings())
    laxer = settings(text='[organization]\ndomains = ["corp.test"]\n')
    after = decide(mail("user@corp.test", "bob@bank.test", kept=before.requirement), laxer)
    assert after.requirement == before.requirement
    assert after.reason is Reason.REQUIRED_DIRECT


def test_stricter_settings_reach_a_kept_requirement() -> None:
    kept = Requirement(encrypted=True, min_version=TlsVersion.TLS_1_2)
    decision = decide(mail("user@corp.test", "bob@bank.test", kept=kept), settings())
    assert decision.requirement.identity == (CA_AND_HOST,)


INBOUND = PLAIN_HOST.replace("[organization]", '[organization]\ninbound_host = "gateway"')


def test_own_domains_go_to_the_inbound_host_under_both_requirements() -> None:
    text = INBOUND + '[[tls_compliance]]\nname = "all"\nall = true\n'
    decision = decide(mail("", "ann@corp.test"), unchecked(text))
    assert decision.reason is Reason.INBOUND_HOST
    (hop,) = decision.hops
    assert hop.host
    assert not hop.alternate
    assert hop.requirement.covers(decision.requirement)
    assert hop.requirement.covers(hop.host.requirement)


def test_inbound_host_keeps_the_recipients_own_key() -> None:
    text = INBOUND.replace("OPTIONS", 'ca_file = "/etc/store.pem"') + (
        f'[[tls_compliance]]\nname = "all"\nall = true\npin = "{PIN}"\n[[tls_compliance]]\nname = "also"\nall = true\n'
    )
    (hop,) = hops(mail("", "ann@corp.test"), text)
    store = "/etc/store.pem"
    assert set(hop.requirement.identity) == {
        IdentityClause(ca=True, host=True, pins=(PIN,)),
        IdentityClause(ca=True, host=True, ca_file=store),
        IdentityClause(ca_file=store),
    }


def test_own_mail_from_the_inbound_host_does_not_go_back() -> None:
    decision = decide(mail("", "ann@corp.test", arrived_from="gateway"), unchecked(INBOUND))
    assert decision.reason is Reason.RETURNED_FROM_HOST
    assert [str(hop) for hop in decision.hops] == ["direct to corp.test"]


def test_inbound_host_that_need_not_encrypt_gets_plaintext_only_where_nothing_is_required() -> None:
    text = INBOUND.replace("OPTIONS", "require_tls = false").replace(
        '[[alternate_secure_route]]\nhost = "gateway"\nwhen = "WHEN"\n', ""
    )
    (open_hop,) = hops(mail("", "ann@corp.test"), text)
    (secured,) = hops(mail("", "ann@corp.test", requiretls=True), text)
    assert open_hop.requirement.opportunistic
    assert secured.requirement.encrypted


@pytest.mark.parametrize("count", [50, 51])
def test_loop_is_refused_at_51_received_fields_and_keeps_the_requirement(count: int) -> None:
    decision = decide(mail("user@corp.test", "bob@bank.test", received_count=count), settings())
    assert (decision.reason is Reason.MAIL_LOOP) == (count == 51)
    assert (str(decision.refusal).startswith("554 5.4.6")) == (count == 51)
    assert decision.requirement.encrypted


def test_failed_lookup_defers() -> None:
    facts = mail("user@corp.test", "bob@open.test", published=Published(sts=LookupState.FAILED))
    decision = decide(facts, settings())
    assert decision.refusal
    assert (decision.refusal.transient, decision.refusal.enhanced) == (True, "4.4.3")
    assert decision.hops == ()


def test_stale_policy_is_in_force() -> None:
    stale = Published(sts=LookupState.STALE, sts_policy=FOUND.sts_policy)
    (hop,) = decide(mail("user@corp.test", "bob@open.test", published=stale), settings()).hops
    assert hop.requirement.sts == FOUND.sts_policy


def test_decision_tells_version_unit_and_rules() -> None:
    decision = decide(mail("cfo@corp.test", "bob@bank.test"), settings())
    assert (decision.version, decision.unit) == (7, "/Finance")
    assert decision.rules == (
        "tls_compliance/Partners need TLS",
        "tls_compliance/All of Finance",
        "alternate_secure_route/",
    )


RETURNING = PLAIN_HOST.replace("OPTIONS", 'networks = ["192.0.2.7"]\nreturns = "encrypted-content"')


def test_what_comes_back_encrypted_goes_direct_and_no_rule_applies() -> None:
    decision = decide(mail("", "bob@open.test", arrived_from="gateway"), unchecked(RETURNING))
    assert decision.reason is Reason.RETURNED_FROM_HOST
    assert (decision.requirement, decision.rules) == (Requirement(), ())
    assert [hop.host for hop in decision.hops] == [None]


def test_what_comes_back_otherwise_keeps_its_requirement() -> None:
    decision = decide(mail("", "bob@open.test", arrived_from="gateway"), unchecked(PLAIN_HOST))
    assert decision.reason is Reason.RETURNED_FROM_HOST
    assert decision.requirement.encrypted


def test_what_comes_back_keeps_the_senders_wish_and_what_it_was_accepted_under() -> None:
    wish = mail("", "bob@open.test", arrived_from="gateway", requiretls=True)
    assert decide(wish, unchecked(RETURNING)).requirement.requiretls
    kept = mail("", "bob@open.test", arrived_from="gateway", kept=Requirement(encrypted=True))
    assert decide(kept, unchecked(RETURNING)).requirement.encrypted


def test_mail_of_others_is_not_taken_for_what_comes_back() -> None:
    assert decide(mail("", "bob@open.test"), unchecked(RETURNING)).requirement.encrypted
