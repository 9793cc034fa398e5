"""The support bundle: what it holds, and that rows, people and counts are not in it."""

import io
import json
import zipfile

from client.control.documents import (
    AuditState,
    Check,
    Connection,
    Look,
    Machine,
    Overview,
    Records,
    Row,
    ScanCounts,
    Study,
)
from deploy.pages.hospital.support_bundle import support_bundle

OVERVIEW = Overview(
    name="north", role="training", count_floor=10, four_eyes=False, versions={"trainer": "0.1.0"},
    settings={"device": "cpu"}, paused=False, running=None, looking=False,
    connection=Connection(state="not-seen", since=None, last_contact=None),
    machine=Machine(load=1, cores=2, memory_free=3, memory_total=4, disk_free=5, disk_total=6, gpu=None),
    look=Look(
        at=0, checks=(Check(check="disk", state="ok", found="5 GB free", remedy=""),),
        scans=ScanCounts(patients={"covid": 424242}, doubtful={}, refused={}, problem=None),
    ),
    audit=AuditState(lines=7, head="ab" * 32, problem=None), left=(), damaged=(),
    studies=(
        Study(
            fingerprint="0000-0000-0000-0000", name="n", decision="waiting", approved_at=None, agreed_by="Ada"
        ),
    ),
)  # fmt: skip
RECORDS = Records(
    rows=(Row(number=7, time="t", event="approved", facts={"by": "Ada", "reason": "Doe^Jane"}),),
    lines=("later", "earlier"),
)


def unpacked(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as bundle:
        return {name: bundle.read(name).decode() for name in bundle.namelist()}


def test_it_holds_versions_settings_checks_the_head_and_the_lines_in_their_order() -> None:
    files = unpacked(support_bundle(OVERVIEW, RECORDS))
    assert json.loads(files["versions.json"])["trainer"] == "0.1.0"
    assert json.loads(files["settings.json"]) == {"name": "north", "device": "cpu"}
    assert json.loads(files["checks.json"])[0]["found"] == "5 GB free"
    assert json.loads(files["audit.json"]) == {"lines": 7, "head": "ab" * 32, "problem": None}
    assert files["trainer.log"] == "earlier\nlater\n"
    assert "Read it before you send it" in files["README.txt"]


def test_no_row_no_person_and_no_number_of_patients_is_in_it() -> None:
    text = "".join(unpacked(support_bundle(OVERVIEW, RECORDS)).values())
    assert not any(part in text for part in ("Ada", "Doe^Jane", "424242"))


def test_without_a_look_it_says_so() -> None:
    files = unpacked(support_bundle(OVERVIEW.model_copy(update={"look": None}), RECORDS))
    assert json.loads(files["checks.json"]) is None
