"""Preflight check of whether the coordinator takes this hospital's certificate and key.

It asks to be activated with a heartbeat of 0 s. The proxy looks at the certificate, SuperLink at the key's
signature and whether that key is registered, and only then at the heartbeat, which it refuses. So the
hospital does not become online, and a node that runs meanwhile is not disturbed.
"""

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_ssh_private_key
from flwr.proto.fleet_pb2 import ActivateNodeRequest
from flwr.supercore.error import ApiErrorCode, FlowerError
from flwr.supercore.interceptors import RuntimeVersionHttpInterceptor
from flwr.supercore.primitives.asymmetric import public_key_to_bytes
from flwr.supernode.fleet_http_client import FleetHttpClient
from flwr.supernode.node_auth_http_interceptor import NodeAuthHttpInterceptor

from client.hospital_settings import CoordinatorAddress
from client.preflight.check_result import CheckResult, fail, ok, warn
from client.preflight.files import NEW_KIT
from shared_model.tls import client_context

NO_HEARTBEAT_S = 0.0
UNAVAILABLE = (502, 503, 504)


def check_admission(coordinator: CoordinatorAddress) -> CheckResult:
    """Whether the coordinator lets this hospital in, and if not, at which of the two doors."""
    try:
        key = load_ssh_private_key(coordinator.key.read_bytes(), password=None)
        answer = _answer(coordinator, key)
    except (OSError, ValueError):
        return fail("admission", "not checked without the kit's files", NEW_KIT)
    except httpx.TransportError as error:
        return fail(
            "admission", f"not checked: {type(error).__name__}", "first see to the checks that failed above"
        )
    return _judged(answer)


def _answer(coordinator: CoordinatorAddress, key: object) -> httpx.Response:
    """What is said to the request. Raises ValueError for a key that is not EC."""
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("no EC key")
    public = key.public_key()
    with FleetHttpClient(
        f"https://{coordinator.address}",
        interceptors=[
            RuntimeVersionHttpInterceptor(component_name="SuperNode"),
            NodeAuthHttpInterceptor(key, public),
        ],
        verify=client_context(coordinator.certificate, trusted=coordinator.ca),
    ) as client:
        request = ActivateNodeRequest(
            public_key=public_key_to_bytes(public), heartbeat_interval=NO_HEARTBEAT_S
        )
        try:
            client.ActivateNode(request)
        except httpx.HTTPStatusError as refused:
            return refused.response
    return httpx.Response(200)


def _judged(answer: httpx.Response) -> CheckResult:
    error = FlowerError.from_json(answer.text)
    if error is not None and error.code == ApiErrorCode.FLEET_INVALID_HEARTBEAT_INTERVAL:
        return ok("admission", "the coordinator takes this hospital's certificate and key")
    if error is not None and error.code == ApiErrorCode.FLEET_NODE_ACTIVATION_FAILED:
        return fail("admission", "this hospital's key is not registered, or was revoked or replaced", NEW_KIT)
    if answer.status_code in UNAVAILABLE:
        return warn(
            "admission", "the coordinator's SuperLink does not answer", "ask the coordinator; try again later"
        )
    if answer.status_code == 401 and answer.headers.get("content-type") == "application/json":
        return fail("admission", "the key's signature is refused", "synchronise this machine's clock (NTP)")
    if answer.status_code in (400, 401):
        return fail("admission", "this hospital's certificate is refused: revoked or replaced", NEW_KIT)
    return warn(
        "admission", f"the coordinator answers {answer.status_code}", "make sure that versions are the same"
    )
