"""pynetdicom's server with bounds that it lacks: who may connect, how long a PDU and a message may be.

pynetdicom tells a peer the longest PDU, and reads what the peer sends all the same; it waits without end for
the rest of a PDU that has begun.
"""

import ipaddress
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from socketserver import BaseServer
from typing import Any

from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.transport import AssociationServer, RequestHandler

_MESSAGE_OVERHEAD = 1 << 20  # bytes of a message beside its object: the command set, headers of PDUs
_LONGEST_REQUEST = 256 << 10  # bytes of an A-ASSOCIATE-RQ, to which the negotiated maximum does not apply
_PIECE = 1 << 16


@dataclass(frozen=True)
class Bounds:
    """What one peer may take. addresses: IP addresses that may connect; associations: at a time, of each;
    pdu_bytes, object_bytes: the longest; idle_s: how long a PDU that has begun may take.
    """

    addresses: frozenset[str]
    associations: int
    pdu_bytes: int
    object_bytes: int
    idle_s: float


class BoundedServer(AssociationServer):
    """Closes connections of other addresses, and of one that has too many, before they cost a thread."""

    def __init__(
        self,
        ae: AE,
        address: tuple[str, int],
        handlers: list[Any],
        *,
        bounds: Bounds,
        on_refusal: Callable[[str], None],
    ) -> None:
        """on_refusal is called with a code: `unknown-address`, `too-many-associations`, `pdu-too-large`,
        `object-too-large` or `stalled`.
        """
        self.bounds, self.on_refusal = bounds, on_refusal
        super().__init__(
            ae,
            address,
            ae.ae_title,
            ae.supported_contexts,
            evt_handlers=handlers,
            request_handler=_BoundedHandler,
        )

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Of socketserver: called for each connection before anything is read from it."""
        address = plain_address(client_address[0])
        if address not in self.bounds.addresses:
            self.on_refusal("unknown-address")
            return False
        same = sum(plain_address(one.requestor.address) == address for one in self.active_associations)
        if same >= self.bounds.associations:
            self.on_refusal("too-many-associations")
            return False
        return True

    def shutdown(self) -> None:
        """Stop accepting connections; those that are open stay open."""
        BaseServer.shutdown(self)
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Of socketserver, which prints the address and a traceback."""
        self.on_refusal("connection-failed")


def plain_address(address: str) -> str:
    """An IP address as settings have it: of IPv4, also where a socket for IPv6 took the connection."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)


class _BoundedHandler(RequestHandler):
    server: BoundedServer

    def _create_association(self) -> Association:
        association = super()._create_association()
        reader = BoundedReader(self.request, self.server.bounds, self.server.on_refusal)
        setattr(association.dul.socket, "recv", reader.read)  # noqa: B010
        association.bind(evt.EVT_DIMSE_RECV, lambda _: reader.message_ended())
        association.bind(evt.EVT_CONN_CLOSE, lambda _: _drop(association, self.request))
        return association


def _drop(association: Association, connection: socket.socket) -> None:
    """Close the connection, which pynetdicom does not if its peer did first, and drop half an object."""
    connection.close()
    half = getattr(association.dimse.message, "_data_set_file", None)
    if half is not None:
        half.close()
        Path(half.name).unlink(missing_ok=True)


class BoundedReader:
    """Reads one connection; reading fails, and so the connection is closed, where a bound is exceeded."""

    def __init__(self, connection: socket.socket, bounds: Bounds, on_refusal: Callable[[str], None]) -> None:
        connection.settimeout(bounds.idle_s)
        self._connection, self._bounds, self._on_refusal = connection, bounds, on_refusal
        self._message_bytes = 0

    def message_ended(self) -> None:
        """The next byte is of another message."""
        self._message_bytes = 0

    def read(self, count: int) -> bytearray:
        """The next `count` bytes, or fewer if the peer closed the connection. Raises OSError."""
        self._message_bytes += count
        if count > max(self._bounds.pdu_bytes, _LONGEST_REQUEST):
            raise self._refusal("pdu-too-large")
        if self._message_bytes > self._bounds.object_bytes + _MESSAGE_OVERHEAD:
            raise self._refusal("object-too-large")
        try:
            return self._read(count, time.monotonic() + self._bounds.idle_s)
        except TimeoutError:
            raise self._refusal("stalled") from None

    def _read(self, count: int, deadline: float) -> bytearray:
        found = bytearray()
        while len(found) < count:
            self._connection.settimeout(max(0.001, deadline - time.monotonic()))
            piece = self._connection.recv(min(count - len(found), _PIECE))
            if not piece:
                break
            found += piece
        self._connection.settimeout(self._bounds.idle_s)
        return found

    def _refusal(self, code: str) -> OSError:
        self._on_refusal(code)
        return OSError(code)
