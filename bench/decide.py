"""How long a decision takes with 10 rules and with 1,000: `python bench/decide.py`.

The rules are of every kind in turn: compliance settings by list, routing rules by recipient, sender and header field.
The times are microseconds of CPU a decision, the best of several rounds.
"""

import sys
import time

from percorso.core.mail.address import parse_address
from percorso.core.policy.compile import compile_settings
from percorso.core.policy.decide import decide
from percorso.core.policy.facts import Facts, HeaderField, ListMatch
from percorso.core.policy.settings import Settings
from percorso.core.settings.schema import Document

ROUNDS = 7
CALLS = 2_000


def settings(rules: int) -> Settings:
    """One organization with so many rules, three units, and an alternate secure route."""
    each = rules // 5
    number = range(each)
    tables = {
        "organization": {"domains": ["corp.test"]},
        "unit": [
            {"path": "/"},
            {"path": "/A", "senders": ["a.corp.test"]},
            {"path": "/A/B", "senders": ["b@corp.test"]},
        ],
        "host": [{"name": "gateway", "primary": [{"address": "gw.corp.test"}]}],
        "alternate_secure_route": [{"host": "gateway", "when": "on-failure"}],
        "address_list": [{"name": f"list {index}"} for index in range(2 * each)],
        "tls_compliance": [{"name": f"c{index}", "lists": [f"list {index}"]} for index in range(2 * each)],
        "routing_rule": [
            *({"name": f"r{index}", "match": {"recipient": f"r{index}.test"}} for index in number),
            *({"name": f"s{index}", "match": {"sender": f"s{index}@corp.test"}} for index in number),
            *({"name": f"h{index}", "match": {"header": "Subject", "contains": f"[tag {index}]"}} for index in number),
        ],
    }
    return compile_settings(Document.model_validate(tables), version=1)


SUBJECT = (
    HeaderField(name="subject", raw="Minutes of the meeting on Tuesday", decoded="Minutes of the meeting on Tuesday"),
)
MESSAGES = {
    "nothing required": Facts(
        sender=parse_address("ann@corp.test"),
        recipient=parse_address("bob@open.test"),
        header_from=("ann@corp.test",),
        headers=SUBJECT,
    ),
    "required by a list": Facts(
        sender=parse_address("ann@a.corp.test"),
        recipient=parse_address("bob@bank.test"),
        header_from=("ann@a.corp.test",),
        headers=SUBJECT,
        recipient_lists=(ListMatch(name="list 1", entry="bank.test"),),
    ),
}


def microseconds(facts: Facts, compiled: Settings) -> float:
    """The CPU time of one decision, in the best round."""
    best = float("inf")
    for _ in range(ROUNDS):
        begin = time.process_time()
        for _ in range(CALLS):
            decide(facts, compiled)
        best = min(best, time.process_time() - begin)
    return best / CALLS * 1e6


def main() -> None:
    """Print one line for each number of rules and kind of message."""
    sys.stdout.write(f"{'rules':>6}  {'message':<20} {'decide':>10} {'compile':>10}\n")
    for rules in (10, 1_000):
        begin = time.perf_counter()
        compiled = settings(rules)
        compiling = (time.perf_counter() - begin) * 1e3
        for name, facts in MESSAGES.items():
            spent = microseconds(facts, compiled)
            sys.stdout.write(f"{rules:>6}  {name:<20} {spent:>7.1f} µs {compiling:>7.1f} ms\n")


if __name__ == "__main__":
    main()
