"""The hospital's page over a real control socket: every figure is the audit log's or the settings'."""

import io
import json
import re
import threading
import zipfile
from collections.abc import Iterator
from html import unescape

import httpx
import pytest

from client.control.control_client import ControlClient
from client.control.documents import Person
from client.hospital_settings import HospitalSettings
from client.node.trainer_client import TrainerClient
from client.records.audit import AuditLog
from client.trainer.approvals import Approvals
from client.trainer.proposal_summary import sections_as_text
from client.trainer.store_patients import patients_of_store
from client.trainer.study_decisions import HospitalDecisions
from deploy.pages.hospital.hospital_pages import hospital_pages
from deploy.pages.hospital.times import clock_of
from shared_model.errors import PneumofedError
from shared_model.fingerprint_words import words_of
from shared_model.protocol import TrainRequest
from shared_model.study import PrivacyConfig
from shared_model.study_stage import StageConfig
from shared_model.weights import to_bytes
from tests.support.controlled_hospital import FLOOR, PATIENT, UID, controlled, propose, written_hospital
from tests.support.page_client import logged_in, serving
from tests.support.processes import wait_until
from tests.support.scripted_sites import WEIGHTS, named

SCRIPT = "<script>alert(1)</script>"
STUDY = named("learns", StageConfig(name="lobes", networks=("diseased", "covid"), rounds=2))
HOSTILE = named("echo").model_copy(update={"trained_on": f"{SCRIPT} & <b>bold</b>"})
TOKEN = "t0ken"


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HospitalSettings]:
    found = written_hospital(tmp_path_factory.mktemp("h"))
    propose(found, STUDY)
    propose(found, HOSTILE)
    with controlled(found):
        yield found


@pytest.fixture(scope="module")
def client(hospital: HospitalSettings) -> Iterator[httpx.Client]:
    with serving(hospital_pages(hospital, TOKEN)) as address, logged_in(address, TOKEN) as client:
        yield client


def figures(page: str, name: str) -> list[str]:
    """The texts of elements with a data attribute NAME: (value, text)."""
    return [unescape(text.strip()) for text in re.findall(rf'data-{name}="[^"]*"[^>]*>([^<]*)', page)]


def figure(page: str, name: str) -> str:
    (found,) = re.findall(rf'data-figure="{name}"[^>]*>([^<]*)', page)
    return unescape(found)


def decide(client: httpx.Client, action: str, fingerprint: str = "", **more: str) -> httpx.Response:
    form = {"action": action, "fingerprint": fingerprint, "name": "Ada Lo", "reason": "as agreed"}
    return client.post("/do", data=form | more)


def test_approval_says_what_the_command_says(hospital: HospitalSettings, client: httpx.Client) -> None:
    page = client.get(f"/studies/{STUDY.fingerprint}").text
    decisions = HospitalDecisions(hospital)
    text = sections_as_text(decisions.sections(STUDY, patients_of_store(hospital.store, FLOOR)))
    shown = unescape(page)
    assert all(line.strip() in shown for line in text.splitlines())
    assert figure(page, "words") == words_of(STUDY.fingerprint)
    assert figure(page, "fingerprint") == STUDY.fingerprint


def test_markup_of_the_coordinator_is_shown_as_text(client: httpx.Client) -> None:
    page = client.get(f"/studies/{HOSTILE.fingerprint}").text
    assert SCRIPT not in page and "<b>bold" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &lt;b&gt;bold" in page


def test_markup_as_a_persons_name_is_shown_as_text(client: httpx.Client) -> None:
    form = {"action": "refuse", "fingerprint": STUDY.fingerprint, "name": SCRIPT, "reason": SCRIPT}
    page = client.post("/ask", data=form).text
    assert SCRIPT not in page and "&lt;script&gt;" in page


def test_an_approval_is_asked_twice_and_recorded(hospital: HospitalSettings, client: httpx.Client) -> None:
    form = {"action": "approve", "fingerprint": STUDY.fingerprint, "name": "Ada Lo", "reason": "as agreed"}
    asked = client.post("/ask", data=form)
    assert asked.status_code == 200 and words_of(STUDY.fingerprint) in asked.text
    assert decide(client, "approve", STUDY.fingerprint).status_code == 409  # words not compared
    study = Approvals(hospital.state, FLOOR).find(STUDY.fingerprint)
    assert study is not None and study.decision == "waiting"
    assert decide(client, "approve", STUDY.fingerprint, compared="yes").status_code == 200
    last = AuditLog(hospital.state).entries()[-1]
    assert (last.event, last.facts["by"], last.facts["reason"]) == ("approved", "Ada Lo", "as agreed")
    page = client.get(f"/studies/{STUDY.fingerprint}").text
    assert f"approved at {clock_of(last.time)} by Ada Lo: as agreed" in page
    assert decide(client, "refuse", HOSTILE.fingerprint).status_code == 200
    study = Approvals(hospital.state, FLOOR).find(HOSTILE.fingerprint)
    assert study is not None and study.decision == "withdrawn"


@pytest.mark.parametrize(
    ("form", "status"),
    [({"name": ""}, 409), ({"reason": ""}, 409), ({"action": "delete"}, 409),
     ({"fingerprint": "0000-0000-0000-0000"}, 409), ({"fingerprint": "../../x"}, 409)],
    ids=str,
)  # fmt: skip
def test_a_form_that_lacks_something_decides_nothing(
    hospital: HospitalSettings, client: httpx.Client, form: dict[str, str], status: int
) -> None:
    before = len(AuditLog(hospital.state).entries())
    whole = {"action": "refuse", "fingerprint": STUDY.fingerprint, "name": "Ada", "reason": "because"}
    assert client.post("/do", data=whole | form).status_code == status
    assert len(AuditLog(hospital.state).entries()) == before


def test_pause_and_resume_ask_first(hospital: HospitalSettings, client: httpx.Client) -> None:
    assert 'href="/ask/pause"' in client.get("/").text
    assert "Yes, pause" in client.get("/ask/pause").text
    assert client.get("/ask/approve").status_code == 404
    page = decide(client, "pause").text
    assert Approvals(hospital.state, FLOOR).paused and "<b>Paused.</b>" in page and "/ask/resume" in page
    page = decide(client, "resume").text
    assert not Approvals(hospital.state, FLOOR).paused and "<b>Paused.</b>" not in page


def test_what_left_equals_the_audit_log(hospital: HospitalSettings, client: httpx.Client) -> None:
    ControlClient(hospital.control).decide(STUDY.fingerprint, Person(name="A", reason="b"), approve=False)
    decide(client, "approve", STUDY.fingerprint, compared="yes")
    node = TrainerClient(hospital.socket, STUDY, deadline_s=60)
    node.describe()
    for round in (1, 2):
        node.train(to_bytes(WEIGHTS), TrainRequest(0, round))
    page, entries = client.get("/left").text, AuditLog(hospital.state).entries()
    returned = [entry.facts for entry in entries if entry.event == "returned"]
    sizes = [sum(f["bytes"] for f in returned if f["task"] == task) for task in ("describe", "train")]
    assert [int(text.replace(",", "")) for text in figures(page, "bytes")] == sizes
    assert figures(page, "answers") == ["1", "2"]
    assert f">{entries[-1].hash}</textarea>" in page and figure(page, "lines") == str(len(entries))


def test_now_shows_the_task_that_runs_and_a_pause_ends_it(
    hospital: HospitalSettings, client: httpx.Client
) -> None:
    stuck = named("stuck", StageConfig(name="lobes", networks=("diseased",), rounds=7))
    propose(hospital, stuck)
    decide(client, "approve", stuck.fingerprint, compared="yes")
    node = TrainerClient(hospital.socket, stuck, deadline_s=120)
    codes: list[str] = []

    def train() -> None:
        with pytest.raises(PneumofedError) as caught:
            node.train(to_bytes(WEIGHTS), TrainRequest(0, 3))
        codes.append(caught.value.code)

    thread = threading.Thread(target=train)
    thread.start()
    trainer = ControlClient(hospital.control)
    wait_until(lambda: trainer.overview().running is not None, seconds=60, what="the task")
    page, task = client.get("/").text, AuditLog(hospital.state).entries()[-1]
    assert (task.event, task.facts["stage"], task.facts["round"]) == ("task", 0, 3)
    assert [figure(page, name) for name in ("study", "stage", "round", "since")] == [
        "stuck", "lobes", "3 of 7", clock_of(task.time)
    ]  # fmt: skip
    decide(client, "pause")
    thread.join(timeout=60)
    assert codes == ["paused"] and 'data-figure="round"' not in client.get("/").text
    decide(client, "resume")


def test_scans_are_counted_under_the_floor(client: httpx.Client) -> None:
    page = client.get("/scans").text
    few = f"fewer than {FLOOR}"
    assert dict(zip(re.findall(r'data-patients="(\w+)"', page), figures(page, "patients"), strict=True)) == {
        "healthy": few, "covid": "4", "other": "3"
    }  # fmt: skip
    assert figures(page, "doubtful") == [few, few, "4", few]
    assert figures(page, "refused") == ["5", few]


def test_now_has_a_light_for_each_check_with_its_remedy(
    hospital: HospitalSettings, client: httpx.Client
) -> None:
    overview, page = ControlClient(hospital.control).overview(), unescape(client.get("/").text)
    assert overview.look is not None
    for row in overview.look.checks:
        assert f'<th scope="row">{row.check}</th>' in page and row.found in page and row.remedy in page


def test_the_log_has_every_row_as_it_is(hospital: HospitalSettings, client: httpx.Client) -> None:
    page = unescape(client.get("/log").text)
    for entry in AuditLog(hospital.state).entries():
        assert entry.event in page and json.dumps(entry.facts) in page


def test_no_page_and_no_bundle_has_a_patients_name_uid_or_path(
    hospital: HospitalSettings, client: httpx.Client
) -> None:
    pages = ["/", "/studies", f"/studies/{STUDY.fingerprint}", "/left", "/scans", "/log"]
    texts = [client.get(page).text for page in pages]
    answer = client.get("/bundle")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as bundle:
        names = bundle.namelist()
        texts += [bundle.read(name).decode() for name in names]
    assert {"versions.json", "settings.json", "checks.json", "audit.json", "trainer.log"} <= set(names)
    for planted in (PATIENT, "Doe", UID, str(hospital.state), str(hospital.store.parents[1])):
        assert not any(planted in unescape(text) for text in texts), planted


def test_a_bundle_has_no_key_no_row_and_no_count_of_patients(
    hospital: HospitalSettings, client: httpx.Client
) -> None:
    with zipfile.ZipFile(io.BytesIO(client.get("/bundle").content)) as bundle:
        text = "".join(bundle.read(name).decode() for name in bundle.namelist())
    assert "Ada Lo" not in text and '"patients"' not in text and "PRIVATE KEY" not in text
    assert AuditLog(hospital.state).entries()[-1].hash in text


def test_a_trainer_that_is_not_there_is_told(hospital: HospitalSettings, tmp_path) -> None:
    elsewhere = hospital.model_copy(update={"control": tmp_path / "c.sock"})
    with serving(hospital_pages(elsewhere, TOKEN)) as address, logged_in(address, TOKEN) as client:
        assert "the trainer does not answer at its control socket" in client.get("/").text
        assert client.get("/left").status_code == 409


def test_an_epsilon_is_a_gauge(tmp_path) -> None:
    hospital = written_hospital(tmp_path)
    study = STUDY.study.model_copy(update={"privacy": PrivacyConfig(epsilon=8.0, delta=1e-3)})
    private = STUDY.model_copy(update={"study": study})
    propose(hospital, private)
    with (
        controlled(hospital),
        serving(hospital_pages(hospital, TOKEN)) as address,
        logged_in(address, TOKEN) as client,
    ):
        page = client.get(f"/studies/{private.fingerprint}").text
        assert re.search(r'<meter id="epsilon" min="0" max="8.0" [^>]*value="0', page)
        assert (figure(page, "epsilon"), figure(page, "spent")) == ("8", "0")


def test_one_who_is_not_logged_in_sees_and_decides_nothing(hospital: HospitalSettings) -> None:
    with serving(hospital_pages(hospital, TOKEN)) as address, httpx.Client(base_url=address) as stranger:
        for path in ("/", "/left", "/scans", "/log", "/bundle", "/live", f"/studies/{STUDY.fingerprint}"):
            assert stranger.get(path).status_code == 401
        before = len(AuditLog(hospital.state).entries())
        for origin in (address, "http://evil.example"):
            assert stranger.post("/do", data={"action": "pause"}, headers={"origin": origin}).status_code in (
                401,
                403,
            )
        assert len(AuditLog(hospital.state).entries()) == before
