"""A line of its own between this machine and a hospital in a network namespace: cut, one-way or slow at will.

Packets are lost by addressing a direction's frames to an interface that does not exist. Neither end gets an
error: connections stay open and nothing arrives, as when a tunnel or a firewall on the way fails.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import pytest

Direction = Literal["to hospital", "to coordinator"]

HERE, THERE = "198.51.100.1", "198.51.100.2"  # of the range that is for documentation, RFC 5737
_MAC = {HERE: "02:00:00:00:00:01", THERE: "02:00:00:00:00:02"}
_NOBODY = "02:00:00:00:00:99"


@dataclass(frozen=True)
class Line:
    """Interface `end` here has the address HERE, the one in namespace `name` THERE."""

    name: str
    end: str

    @property
    def inside(self) -> list[str]:
        """The start of a command that runs at the hospital's end."""
        return ["nsenter", f"--net=/run/netns/{self.name}"]

    def lose(self, *directions: Direction) -> None:
        """From now on every packet in these directions is lost, and none in the other."""
        for direction in ("to hospital", "to coordinator"):
            self._lead(direction, lost=direction in directions)

    def slow(self, kilobits_per_s: int) -> None:
        """No more than this in each direction, with half a second of it in a queue."""
        rate = f"root tbf rate {kilobits_per_s}kbit burst 16kb latency 500ms".split()
        _do("tc", "qdisc", "replace", "dev", self.end, *rate)
        _do(*self.inside, "tc", "qdisc", "replace", "dev", self.end, *rate)

    def full_speed(self) -> None:
        _do("tc", "qdisc", "del", "dev", self.end, "root")
        _do(*self.inside, "tc", "qdisc", "del", "dev", self.end, "root")

    def _lead(self, direction: Direction, *, lost: bool) -> None:
        receiver = THERE if direction == "to hospital" else HERE
        sender = [] if direction == "to hospital" else self.inside
        mac = _NOBODY if lost else _MAC[receiver]
        _do(*sender, "ip", "neigh", "replace", receiver, "lladdr", mac, "nud", "permanent", "dev", self.end)


@contextmanager
def laid() -> Iterator[Line]:
    """A line, taken up again afterwards; a skip where this machine does not permit one."""
    line = Line(name := f"pneumofed-{os.getpid()}", f"pf{os.getpid()}")
    try:
        _do("ip", "netns", "add", name)
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("network namespaces with names are not permitted here")
    try:
        try:
            peer = ["peer", "name", line.end, "address", _MAC[THERE], "netns", name]
            _do("ip", "link", "add", line.end, "address", _MAC[HERE], "type", "veth", *peer)
        except subprocess.CalledProcessError:
            pytest.skip("this kernel has no veth")
        _do("ip", "addr", "add", f"{HERE}/30", "dev", line.end)
        _do("ip", "link", "set", line.end, "up")
        for command in (f"addr add {THERE}/30 dev {line.end}", f"link set {line.end} up", "link set lo up"):
            _do(*line.inside, "ip", *command.split())
        line.lose()
        yield line
    finally:
        _do("ip", "netns", "del", name)  # the pair goes with the end that is in it


def _do(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
