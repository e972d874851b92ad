"""The chain: what its rules say, and that no single change of a record passes."""

import hashlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from percorso.core.evidence.chain import BrokenLink, Walk, check_parties, genesis, link, seal
from percorso.core.evidence.record import Evidence, Parties

EVIDENCE = Evidence(
    at=1.0, node="mail1", queue_id="1", attempt=1, status="delivered", recipient_domain="bank.test", code=250
)
PARTIES = Parties(sender="a@corp.test", recipient="bob@bank.test", salt="00")

Kept = tuple[int, bytes, bytes]


def chain(records: list[bytes], name: str = "mail1/0") -> list[Kept]:
    """Records with their numbers and hashes."""
    kept: list[Kept] = []
    previous = genesis(name)
    for number, record in enumerate(records, 1):
        previous = link(previous, record)
        kept.append((number, record, previous))
    return kept


def follow(kept: list[Kept], name: str = "mail1/0") -> Walk:
    walk = Walk(0, genesis(name))
    for number, record, digest in kept:
        walk.step(number, record, digest)
    return walk


def test_a_hash_is_of_the_hash_before_and_the_record() -> None:
    first = hashlib.sha256(hashlib.sha256(b"mail1/0").digest() + b"one").digest()
    assert chain([b"one"])[0][2] == first
    assert chain([b"one", b"two"])[1][2] == hashlib.sha256(first + b"two").digest()


def test_a_record_is_sealed_with_the_digest_of_its_parties() -> None:
    record, personal = seal(EVIDENCE, PARTIES)
    assert msgspec.json.decode(personal, type=Parties) == PARTIES
    read = msgspec.json.decode(record, type=Evidence)
    assert read.parties == hashlib.sha256(personal).hexdigest()
    assert msgspec.structs.replace(read, parties="") == EVIDENCE


def test_parties_may_be_erased_but_not_replaced() -> None:
    record, personal = seal(EVIDENCE, PARTIES)
    check_parties(1, record, personal)
    check_parties(1, record, None)
    _, others = seal(EVIDENCE, msgspec.structs.replace(PARTIES, recipient="eve@bank.test"))
    with pytest.raises(BrokenLink, match="parties of record 1"):
        check_parties(1, record, others)


def test_a_chain_is_followed_from_a_checkpoint() -> None:
    kept = chain([b"one", b"two", b"three"])
    walk = Walk(1, kept[0][2])
    for number, record, digest in kept[1:]:
        walk.step(number, record, digest)
    assert (walk.number, walk.hash) == (3, kept[2][2])


@given(records=st.lists(st.binary(max_size=8), min_size=1, max_size=6), data=st.data())
def test_no_single_change_passes(records: list[bytes], data: st.DataObject) -> None:
    kept = chain(records)
    assert follow(kept).number == len(records)
    place = data.draw(st.integers(0, len(kept) - 1))
    number, record, digest = kept[place]
    spoiled = [
        [*kept[:place], (number, record + b"x", digest), *kept[place + 1 :]],
        [*kept[:place], (number, record, bytes(32)), *kept[place + 1 :]],
        [*kept[:place], (number + 1, record, digest), *kept[place + 1 :]],
        [*kept[:place], (number, record, digest), (number, record, digest), *kept[place + 1 :]],
    ]
    if place < len(kept) - 1:
        spoiled.append([*kept[:place], *kept[place + 1 :]])
    for changed in spoiled:
        with pytest.raises(BrokenLink):
            follow(changed)


def test_another_chains_records_do_not_pass() -> None:
    with pytest.raises(BrokenLink, match="record 1 was changed"):
        follow(chain([b"one"], "mail1/1"))
