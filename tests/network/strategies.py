"""Peers of every bad kind, drawn by Hypothesis."""

from hypothesis import strategies as st

from tests.network.credential import KINDS
from tests.network.peer import Action, Fault, Peer, Step

REPLIES = ("421 4.3.2 going down", "451 4.3.0 later", "550 5.7.1 no", "250 2.0.0 whatever")
FAULTS = (Fault.PASS, Fault.DROP, Fault.SILENCE)
NEGOTIATION = (Step.DIAL, Step.GREETING, Step.EHLO, Step.EHLO_TLS, Step.HELO, Step.STARTTLS, Step.HANDSHAKE)
TRANSACTION = (Step.MAIL, Step.RCPT, Step.DATA, Step.BODY, Step.CONTENT, Step.RSET, Step.QUIT)


def actions(step: Step) -> st.SearchStrategy[Action]:
    """What may go wrong at a step."""
    if step in {Step.DIAL, Step.HANDSHAKE, Step.BODY}:
        return st.sampled_from((*FAULTS, Fault.FAIL) if step is Step.HANDSHAKE else FAULTS)
    odd: tuple[Action, ...] = (Fault.TAKE_AND_DROP,) if step is Step.CONTENT else (b"\x00garbage\r\n", b"250")
    return st.sampled_from((*REPLIES, *FAULTS, *odd))


def scripts(steps: tuple[Step, ...] = NEGOTIATION + TRANSACTION) -> st.SearchStrategy[dict[Step, list[Action]]]:
    """Faults at up to three steps, each on the first one to three occasions; a peer heals at last."""
    return st.lists(st.sampled_from(steps), max_size=3, unique=True).flatmap(
        lambda chosen: st.fixed_dictionaries({step: st.lists(actions(step), min_size=1, max_size=3) for step in chosen})
    )


def peers(name: str) -> st.SearchStrategy[Peer]:
    """A server of this name, good or bad."""
    return st.builds(
        Peer,
        name=st.just(name),
        credential=st.sampled_from((None, *KINDS)),
        extensions_tls=st.sampled_from(((), ("REQUIRETLS",))),
        starttls_keyword=st.sampled_from(("STARTTLS", "STARTTLS", "XXXXXXXA", "STARTTLSX")),
        inject=st.sampled_from((b"", b"", b"250 injected\r\n")),
        script=scripts(),
    )
