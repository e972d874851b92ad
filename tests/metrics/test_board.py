"""Numbers in memory that processes share."""

import os

from percorso.metrics import catalogue
from percorso.metrics.board import ALIVE, Board, Counter, Histogram
from percorso.metrics.exposition import Standing, exposed, registry


def standing() -> Standing:
    return Standing(workers=2, queue={"queued": 3, "held": 1}, oldest=2.5, evidence={"mail1/0": 7})


def lines(board: Board) -> list[str]:
    return exposed(registry(board, standing)).decode().splitlines()


def test_workers_are_summed_also_after_they_ended() -> None:
    board = Board(2)
    Counter(board.part(0), catalogue.ROUTES).add("direct")
    child = os.fork()
    if child == 0:
        Counter(board.part(1), catalogue.ROUTES).add("direct", 2)
        os._exit(0)
    os.waitpid(child, 0)
    assert 'percorso_delivered_by_route_total{route="direct"} 3.0' in lines(board)
    Counter(board.part(1), catalogue.ROUTES).add("direct")  # the one that takes its place
    assert 'percorso_delivered_by_route_total{route="direct"} 4.0' in lines(board)


def test_a_value_that_is_not_foreseen() -> None:
    board = Board(1)
    Counter(board.part(0), catalogue.DELIVERY_TLS).add("9.9\n evil")
    Counter(board.part(0), catalogue.ROUTES).add("by pigeon")  # nothing may fail for being counted
    assert 'percorso_delivered_tls_total{version="other"} 1.0' in lines(board)
    assert not [line for line in lines(board) if "pigeon" in line or "evil" in line]


def test_a_histogram_adds_up() -> None:
    board = Board(2)
    for worker, seconds in ((0, 0.001), (0, 0.0011), (1, 99.0)):
        Histogram(board.part(worker), catalogue.COMMIT_SECONDS).observe(seconds)
    told = lines(board)
    assert 'percorso_commit_seconds_bucket{le="0.001"} 1.0' in told
    assert 'percorso_commit_seconds_bucket{le="0.0025"} 2.0' in told
    assert 'percorso_commit_seconds_bucket{le="10.0"} 2.0' in told
    assert 'percorso_commit_seconds_bucket{le="+Inf"} 3.0' in told
    assert "percorso_commit_seconds_count 3.0" in told
    assert "percorso_commit_seconds_sum 99.0021" in told


def test_every_family_has_places_of_its_own() -> None:
    board = Board(1)
    part = board.part(0)
    for number, family in enumerate(catalogue.FAMILIES, 1):
        for place in range(family.first, family.first + family.width):
            assert part.cells[place] == 0
            part.cells[place] = number
    assert part.cells[catalogue.BEAT] == 0
    assert 0 not in part.cells[1:].tolist()


def test_signs_of_life() -> None:
    board = Board(2)
    assert (board.serving(100.0), board.all_serve(100.0)) == (0, False)
    board.part(0).beat(100.0)
    board.part(1).beat(101.0)
    assert board.all_serve(101.0)
    assert board.serving(100.0 + ALIVE) == 1
    board.part(1).beat(0.0)
    assert not board.all_serve(101.0)


def test_what_is_looked_up() -> None:
    told = lines(Board(1))
    assert 'percorso_queue{state="held"} 1.0' in told
    assert "percorso_queue_oldest_seconds 2.5" in told
    assert 'percorso_evidence_records{chain="mail1/0"} 7.0' in told
    assert "percorso_workers 2.0" in told
