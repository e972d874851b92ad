"""An explanation is the decision's own, with the message as it would arrive."""

from percorso.core.mail.address import parse_address
from percorso.operations.explain import Answer, Question, explain_message
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
""")
)


def ask(recipient: str, *headers: tuple[str, str]) -> Answer:
    question = Question(sender=parse_address("anna@corp.test"), recipient=parse_address(recipient), headers=headers)
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
