"""An explanation is the decision's own, with the message as it would arrive."""

import pytest

from percorso.core.mail.address import parse_address
from percorso.operations.explain import Answer, NoSuchAccount, Question, explain_message
from tests.proof.settings_in_memory import MemorySettings, document

SETTINGS = MemorySettings(
    document("""
[organization]
domains = ["corp.test"]

[[address_list]]
name = "partners"
entries = ["bank.test"]

[[tls_compliance]]
name = "Partners need TLS"
lists = ["partners"]

[[routing_rule]]
name = "Secure by subject"
match = { header = "Subject", contains = "[secure]" }

[[unit]]
path = "/Payroll"

[[tls_compliance]]
name = "All of payroll"
unit = "/Payroll"
all = true

[[account]]
name = "payroll"
unit = "/Payroll"
addresses = ["anna@corp.test"]
""")
)


def ask(recipient: str, *headers: tuple[str, str], account: str = "") -> Answer:
    sender, to = parse_address("anna@corp.test"), parse_address(recipient)
    question = Question(sender=sender, recipient=to, headers=headers, account=account)
    return explain_message(SETTINGS, question, now=0.0)


def test_a_listed_recipient() -> None:
    answer = ask("bob@bank.test")
    assert answer.version == 1
    assert answer.trace.decision.rules == ("tls_compliance/Partners need TLS",)
    matched = {step.subject: step.matched for step in answer.trace.steps}
    assert matched["tls_compliance/Partners need TLS"]
    assert not matched["routing_rule/Secure by subject"]


def test_headers_are_looked_at() -> None:
    assert ask("eve@shop.test", ("Subject", "offer")).trace.decision.requirement.opportunistic
    answer = ask("eve@shop.test", ("Subject", "=?utf-8?q?=5Bsecure=5D_offer?="))
    assert answer.trace.decision.rules == ("routing_rule/Secure by subject",)


def test_the_account_tells_the_unit() -> None:
    assert ask("eve@shop.test").trace.decision.unit == "/"
    answer = ask("eve@shop.test", account="payroll")
    assert answer.trace.decision.unit == "/Payroll"
    assert answer.trace.decision.rules == ("tls_compliance/All of payroll",)
    assert answer.trace.steps[0].why == "the account payroll is of unit /Payroll"
    with pytest.raises(NoSuchAccount, match="'nobody'"):
        ask("eve@shop.test", account="nobody")
