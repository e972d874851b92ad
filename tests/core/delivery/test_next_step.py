"""The courses in `next_steps.txt`, which tells how to read it; and what no course may do."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from percorso.core.delivery.next_step import next_step
from percorso.core.delivery.outcome import Answered, Status, TargetOutcome, Uncertain, Unmet, Unreachable
from percorso.core.delivery.plan import Attempt, Leg, Plan, Settle
from percorso.core.hosts.host import Host, HostServer, Target
from percorso.core.mail.reply import Reply
from percorso.core.policy.decision import Hop
from percorso.core.tls.requirement import ENCRYPTED, OPPORTUNISTIC
from percorso.core.tls.result import FailureType, SecureTransportFailure

TABLE = Path(__file__).with_name("next_steps.txt").read_text(encoding="utf-8")
HOST = Host(name="gateway", primary=(HostServer(address="gw.test"),), requirement=ENCRYPTED)
REPLIES = {
    "250": Reply(code=250, enhanced="2.0.0", text="queued"),
    "451": Reply(code=451, enhanced="4.3.0", text="later"),
    "550": Reply(code=550, enhanced="5.1.1", text="no such user"),
}


def unmet(failure: FailureType) -> Unmet:
    return Unmet(failure=SecureTransportFailure(type=failure, detail="seen"), reconnect=True)


OUTCOMES: dict[str, TargetOutcome] = {
    "no-tls": unmet(FailureType.STARTTLS_NOT_SUPPORTED),
    "bad-cert": unmet(FailureType.CERTIFICATE_NOT_TRUSTED),
    "no-handshake": unmet(FailureType.TLS_HANDSHAKE_FAILURE),
    "down": Unreachable(reply=Reply(code=451, enhanced="4.4.1", text="connection refused")),
    "greeted-554": Unreachable(reply=Reply(code=554, enhanced="5.3.2", text="no mail here")),
    "lost": Unreachable(reply=Reply(code=451, enhanced="4.4.2", text="lost"), requirement_met=True),
    "unsure": Uncertain(detail="lost after the final dot"),
}


def cases() -> Iterator[object]:
    rows = [row for row in TABLE.splitlines() if row.strip() and not row.startswith("#")]
    for row in rows[1:]:
        legs, course, ends = [cell.strip() for cell in row.split("|")]
        yield pytest.param(legs, course, ends, id=f"{legs}: {course}")


@pytest.mark.parametrize(("legs", "course", "ends"), list(cases()))
def test_course(legs: str, course: str, ends: str) -> None:
    steps = [tuple(step.split()) for step in course.split(", ") if step]
    results = ends.split(", ")
    plan = Plan(legs=tuple(map(leg, legs.split(", "))), recipients=len(results))
    for where, what in steps:
        attempt = next_step(plan)
        assert isinstance(attempt, Attempt)
        assert f"{attempt.target.name}{'' if attempt.tls else '/plain'}" == where
        plan = plan.after(attempt, outcome(what, plan.recipients))
    end = next_step(plan)
    assert isinstance(end, Settle)
    failure = f" {end.failure.type}" if end.failure else ""
    assert [f"{status} {reply.enhanced}{failure}" for status, reply in end.results] == results


def leg(text: str) -> Leg:
    kind, *servers = text.split()
    hop = Hop(
        domain="bank.test",
        host=HOST if kind in {"over", "host"} else None,
        requirement=OPPORTUNISTIC if kind.startswith("open") else ENCRYPTED,
        alternate=kind == "over",
    )
    if servers[0].startswith("-"):
        enhanced = servers[0][1:]
        return Leg(hop=hop, refusal=Reply(code=451 if enhanced[0] == "4" else 550, enhanced=enhanced))
    implicit = kind == "open-implicit"
    return Leg(
        hop=hop, targets=tuple(Target(name=name, address="192.0.2.1", implicit_tls=implicit) for name in servers)
    )


def outcome(what: str, recipients: int) -> TargetOutcome:
    if what in OUTCOMES:
        return OUTCOMES[what]
    words = what.split("+")
    return Answered(replies=tuple(REPLIES[word] for word in (words * recipients)[:recipients]))


@pytest.mark.parametrize(("what", "reply"), [("down", "451 4.4.1 connection refused"), ("lost", "451 4.4.2 lost")])
def test_both_ends_of_a_diversion_are_told(what: str, reply: str) -> None:
    plan = Plan(legs=(leg("secure a"), leg("over g")), recipients=1)
    for came in ("no-tls", what):
        attempt = next_step(plan)
        assert isinstance(attempt, Attempt)
        plan = plan.after(attempt, OUTCOMES[came])
    end = next_step(plan)
    assert isinstance(end, Settle)
    assert end.server == "a"
    assert end.results[0][1].text == (
        f"The mail server a does not offer an encrypted connection (seen); host gateway: {reply}"
    )


def test_settlement_names_the_server_that_answered() -> None:
    plan = Plan(legs=(leg("secure a b"),), recipients=1)
    for what in ("down", "550"):
        attempt = next_step(plan)
        assert isinstance(attempt, Attempt)
        plan = plan.after(attempt, outcome(what, 1))
    end = next_step(plan)
    assert isinstance(end, Settle)
    assert end.server == "b"


SERVERS = st.sampled_from(["a", "a b", "a b c", "a a"])
FIRST = st.builds("{} {}".format, st.sampled_from(["secure", "open", "open-implicit", "host"]), SERVERS)
PLANS = st.builds(
    lambda first, second: Plan(legs=tuple(map(leg, [first, *second])), recipients=2),
    FIRST,
    st.lists(st.builds("over {}".format, SERVERS), max_size=1),
)


@given(PLANS, st.lists(st.sampled_from([*OUTCOMES, "250", "250+550", "451"]), min_size=12, max_size=12))
def test_every_course_ends_and_never_in_plaintext_when_required(plan: Plan, course: list[str]) -> None:
    for what in course:
        step = next_step(plan)
        if isinstance(step, Settle):
            break
        assert step.tls or plan.legs[step.leg].hop.requirement.opportunistic
        if step.leg == 1:
            first = [one.outcome for one in plan.tried if one.attempt.leg == 0]
            assert any(isinstance(one, Unmet) for one in first)
            assert not any(isinstance(one, Unreachable) and one.requirement_met for one in first)
            assert not any(isinstance(one, Answered | Uncertain) for one in first)
        plan = plan.after(step, outcome(what, 2))
    end = next_step(plan)
    assert isinstance(end, Settle)
    assert len(end.results) == 2
    if any(isinstance(one.outcome, Uncertain) for one in plan.tried):
        assert {status for status, _ in end.results} == {Status.UNCERTAIN}
    if end.failure:
        assert {status for status, _ in end.results} == {Status.DEFERRED}
