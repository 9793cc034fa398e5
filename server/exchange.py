"""One task to several hospitals over Flower's Grid, their answers as they arrive."""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flwr.app import DEFAULT_TTL, Message, RecordDict
from flwr.common.constant import ErrorCode
from flwr.serverapp import Grid

from server.result import HospitalReply, Status
from shared_model.protocol import is_code


@dataclass(frozen=True)
class RoundPolicy:
    """How long the coordinator waits and for how many.

    deadline_s: for each task of a round; what comes later is never read. poll_s: between looks for replies.
    quorum: hospitals whose training must be admitted for a round to count.
    """

    deadline_s: float = math.inf
    poll_s: float = 0.5
    quorum: int = 1


@dataclass(frozen=True)
class Answer:
    """A hospital's reply, or (message None) why there is none."""

    hospital: str
    message: Message | None
    outcome: HospitalReply


def ask(
    grid: Grid,
    content: RecordDict,
    message_type: str,
    nodes: Mapping[str, int],
    policy: RoundPolicy,
    *,
    group: str,
) -> Iterator[Answer]:
    """Send `content` to the hospitals (name -> node id) and yield one answer for each.

    Replies are pulled one by one and yielded as they arrive, so that only one is in memory; when the
    deadline passes, the rest are yielded as late. `group` names the round in Flower's own records.
    """
    start = time.monotonic()
    pending, unsent = _send(grid, content, message_type, nodes, policy, group)
    for hospital in unsent:
        yield Answer(hospital, None, HospitalReply(status="absent", reason="not-sent"))
    while pending and time.monotonic() - start < policy.deadline_s:
        arrived = False
        for message_id, hospital in list(pending.items()):
            for reply in list(grid.pull_messages([message_id]))[:1]:
                arrived = True
                del pending[message_id]
                yield _answer(hospital, reply, time.monotonic() - start)
        if pending and not arrived:
            time.sleep(policy.poll_s)
    for hospital in pending.values():
        late = HospitalReply(status="late", reason="deadline", seconds=time.monotonic() - start)
        yield Answer(hospital, None, late)


def _send(
    grid: Grid,
    content: RecordDict,
    message_type: str,
    nodes: Mapping[str, int],
    policy: RoundPolicy,
    group: str,
) -> tuple[dict[str, str], list[str]]:
    """Push one message a hospital; message id -> hospital, and the hospitals that none could be sent to."""
    ttl = min(policy.deadline_s, DEFAULT_TTL)
    hospitals = sorted(nodes)
    messages = [
        Message(content, dst_node_id=nodes[hospital], message_type=message_type, ttl=ttl, group_id=group)
        for hospital in hospitals
    ]
    message_ids = list(grid.push_messages(messages)) or [""] * len(hospitals)
    sent = dict(zip(message_ids, hospitals, strict=True))
    unsent = [hospital for message_id, hospital in zip(message_ids, hospitals, strict=True) if not message_id]
    return {message_id: hospital for message_id, hospital in sent.items() if message_id}, unsent


def _answer(hospital: str, reply: Message, seconds: float) -> Answer:
    if not reply.has_error():
        return Answer(hospital, reply, HospitalReply(status="returned", seconds=seconds))
    code, reason = reply.error.code, reply.error.reason
    status: Status = "absent" if code == ErrorCode.NODE_UNAVAILABLE else "failed"
    # Only a code may be shown: Flower's own reasons can hold an exception's text.
    reason = reason if reason is not None and is_code(reason) else f"flower-error-{code}"
    return Answer(hospital, None, HospitalReply(status=status, reason=reason, seconds=seconds))
