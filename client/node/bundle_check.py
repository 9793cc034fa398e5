"""Refuses every bundle but the installed one, where Flower's SuperNode receives it.

It is refused before anything of it is kept, read or written.
"""

import hashlib
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from flwr.app import Error, Message
from flwr.common.constant import ErrorCode
from flwr.supercore.fab import Fab

from shared_model.bundle import BUNDLE, BUNDLE_SHA256, check_bundle
from shared_model.errors import PneumofedError

log = logging.getLogger("pneumofed.node")

Record = Callable[[], None]
"""Is called for each bundle that was refused."""


def check_bundles(record: Record) -> None:
    """From now on Flower's SuperNode in this process answers a run with another bundle with its refusal.

    Flower's own check (`trusted_entities`) asks for signatures that the coordinator itself passes on.
    """
    from flwr.supernode import start_client_internal as supernode

    supernode._pull_and_store_message = partial(_pull, supernode._pull_and_store_message, record)


def _pull(
    pull: Callable[..., int | None],
    record: Record,
    *,
    receive: Callable[[], Any],
    get_fab: Callable[[str, int], Fab],
    **others: Any,
) -> int | None:
    """Flower's `_pull_and_store_message`; a message whose run brings another bundle gets an error reply."""
    from flwr.supernode.start_client_internal import _insert_message

    received: list[Message] = []

    def noted() -> Any:
        answer = receive()
        if answer is not None:
            received.append(answer[0])
        return answer

    try:
        return pull(receive=noted, get_fab=partial(_checked, get_fab, record), **others)
    except PneumofedError as refusal:
        (message,) = received
        reply = Message(Error(ErrorCode.CLIENT_APP_RAISED_EXCEPTION, refusal.code), reply_to=message)
        _insert_message(reply, others["state"], others["object_store"])
        return message.metadata.run_id


def _checked(get_fab: Callable[[str, int], Fab], record: Record, announced: str, run_id: int) -> Fab:
    """The installed bundle, if the run's is the same. Raises PneumofedError `bundle-refused`."""
    content = get_fab(announced, run_id).content
    try:
        check_bundle(content, announced)
    except PneumofedError as refusal:
        sha256 = hashlib.sha256(content).hexdigest()
        log.error("run %d, bundle with SHA-256 %s: %s", run_id, sha256, refusal.code)
        record()
        raise
    return Fab(BUNDLE_SHA256, BUNDLE, {})
