"""What one connection may send, and from where; pynetdicom bounds neither a PDU nor the wait for its rest."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from client.pacs.bounded_server import BoundedReader, Bounds, plain_address

BOUNDS = Bounds(frozenset(), 1, pdu_bytes=1 << 20, object_bytes=2 << 20, idle_s=0.3)


@contextmanager
def reading(bounds: Bounds = BOUNDS) -> Iterator[tuple[BoundedReader, socket.socket, list[str]]]:
    mine, peers = socket.socketpair()
    refused: list[str] = []
    with mine, peers:
        yield BoundedReader(mine, bounds, refused.append), peers, refused


def test_what_is_within_the_bounds_is_read_whole() -> None:
    with reading() as (reader, peer, refused):
        sending = threading.Thread(target=peer.sendall, args=(b"ab" * 100_000,))
        sending.start()
        assert reader.read(200_000) == b"ab" * 100_000
        sending.join()
        peer.shutdown(socket.SHUT_WR)
        assert reader.read(6) == b"" and refused == []


def test_a_pdu_too_large_is_not_read() -> None:
    with reading() as (reader, peer, refused):
        peer.sendall(b"x")
        with pytest.raises(OSError, match="pdu-too-large"):
            reader.read((1 << 20) + 1)
        assert refused == ["pdu-too-large"]


def test_an_object_is_bounded_over_all_its_pdus_and_the_next_one_begins_anew() -> None:
    with reading() as (reader, peer, refused):
        for _ in range(2):
            for _ in range(2):
                sending = threading.Thread(target=peer.sendall, args=(bytes(1 << 20),))
                sending.start()
                reader.read(1 << 20)
                sending.join()
            reader.message_ended()
        for _ in range(3):  # 2 MiB of object and 1 MiB of overhead
            sending = threading.Thread(target=peer.sendall, args=(bytes(1 << 20),))
            sending.start()
            reader.read(1 << 20)
            sending.join()
        with pytest.raises(OSError, match="object-too-large"):
            reader.read(1)
        assert refused == ["object-too-large"]


def test_a_peer_that_stalls_within_a_pdu_is_cut_off() -> None:
    with reading() as (reader, _, refused):
        with pytest.raises(OSError, match="stalled"):
            reader.read(1000)
        assert refused == ["stalled"]


def test_so_is_one_that_drips() -> None:
    """A byte now and then is no progress: the whole PDU has its time, not each byte."""
    over, dripped = threading.Event(), list[bytes]()

    def drip() -> None:
        while not over.wait(0.05) and len(dripped) < 200:
            peer.sendall(b"x")
            dripped.append(b"x")

    with reading() as (reader, peer, refused):
        dripping = threading.Thread(target=drip)
        dripping.start()
        with pytest.raises(OSError, match="stalled"):
            reader.read(1000)
        over.set()
        dripping.join()
        assert refused == ["stalled"] and 0 < len(dripped) < 200


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ("10.0.0.5", "10.0.0.5"),
        ("::ffff:10.0.0.5", "10.0.0.5"),
        ("fe80::1%eth0", "fe80::1"),
        ("2001:0db8::0001", "2001:db8::1"),
        ("unknown", "unknown"),
    ],
)
def test_an_address_is_compared_as_settings_have_it(seen: str, expected: str) -> None:
    assert plain_address(seen) == expected
