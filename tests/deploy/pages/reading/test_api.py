"""The API: uploads, states and diagnoses for programs, with a reader's password, and blinded as the pages."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from client.diagnosis.document import DiagnosisDocument
from client.pacs.queue_progress import progress_told
from client.reading_room.reading_log import Answer
from client.reading_room.room import ReadingRoom
from client.reading_room.upload_refusals import UPLOAD_REFUSALS
from deploy.pages.reading.api import STATUS
from shared_model.file_lock import exclusive
from tests.support.diagnosed_scans import PATIENT
from tests.support.raw_zips import Entry, image_bytes, raw_zip, study_zip
from tests.support.reading_room import PASSWORD, WrittenRoom, served

ADA, BEN = ("ada", PASSWORD), ("ben", PASSWORD)


@pytest.fixture
def written(tmp_path: Path) -> WrittenRoom:
    return WrittenRoom(tmp_path, min_free_gb=0)


@pytest.fixture
def room(written: WrittenRoom) -> ReadingRoom:
    return written.open("ada", "ben")


@pytest.fixture
def api(room: ReadingRoom) -> Iterator[httpx.Client]:
    with (
        served(room) as (address, _),
        httpx.Client(base_url=f"{address}/api", auth=ADA, timeout=30) as client,
    ):
        yield client


def code_of(answer: httpx.Response) -> tuple[int, str]:
    found = answer.json()
    assert found.keys() == {"code", "problem"} and found["problem"]
    return answer.status_code, found["code"]


def test_a_study_is_uploaded_followed_and_deleted(
    api: httpx.Client, room: ReadingRoom, written: WrittenRoom
) -> None:
    answer = api.post("/uploads", content=study_zip())
    assert answer.status_code == 201
    upload = answer.json()
    assert answer.headers["Location"] == f"/api/uploads/{upload['id']}"
    name = upload["study"]["name"]
    assert (upload["images"], upload["not_kept"], upload["study"]["state"]) == (3, {}, "waiting")
    assert api.get(f"/uploads/{upload['id']}").json() == upload
    assert api.get("/uploads").json() == {"uploads": [upload]}
    results = written.settings.results
    with exclusive(results, create=False):
        written.fail(name)
        with progress_told(results, name) as on_step:
            on_step("networks", 30, 120)
            study = api.get(f"/studies/{name}").json()
            assert study["state"] == "diagnosing"
            assert (study["progress"]["step"], study["progress"]["done"]) == ("networks", 30)
    (results / name / "failure.json").unlink()
    written.diagnose(name)
    assert api.get(f"/studies/{name}").json()["state"] == "diagnosed"
    assert api.delete(f"/uploads/{upload['id']}").status_code == 204
    assert code_of(api.get(f"/uploads/{upload['id']}")) == (404, "not-found")
    assert code_of(api.get(f"/studies/{name}")) == (404, "not-found")


def test_studies_of_the_pacs_are_there_too_with_those_that_wait_before(
    api: httpx.Client, written: WrittenRoom
) -> None:
    first, second, third = (written.arrive(number) for number in (1, 2, 3))
    written.fail(first, "no-lungs", "no lungs are found; use a chest CT")
    studies = api.get("/studies").json()
    assert [one["name"] for one in studies["studies"]] == [first, second, third]
    assert [one["ahead"] for one in studies["studies"]] == [None, 0, 1]
    assert studies["studies"][0]["failure"]["code"] == "no-lungs" and studies["blinded"]


def test_a_blinded_reader_has_no_diagnosis_by_the_api(
    api: httpx.Client, room: ReadingRoom, written: WrittenRoom
) -> None:
    name = written.arrive(1)
    assert code_of(api.get(f"/studies/{name}/diagnosis")) == (403, "blinded")
    written.diagnose(name)
    assert code_of(api.get(f"/studies/{name}/diagnosis")) == (403, "blinded")
    for path in ("/studies", f"/studies/{name}"):
        said = api.get(path).text
        assert not [word for word in ("covid", "probability", "infected", "0.9") if word in said]
    room.open("ada", room.study(name))
    room.answer("ada", name, Answer(label="covid", confidence=4, comment=""))
    answer = api.get(f"/studies/{name}/diagnosis")
    document = DiagnosisDocument.model_validate(answer.json())
    assert document == room.study(name).document()
    kept = (written.settings.results / name / "diagnosis.json").read_bytes()
    assert answer.json().keys() == json.loads(kept).keys()
    assert code_of(api.get(f"/studies/{name}/diagnosis", auth=BEN)) == (403, "blinded")


def test_without_blinding_a_diagnosis_is_there_once_it_is_made(tmp_path: Path) -> None:
    written = WrittenRoom(tmp_path, blinded=False)
    name = written.arrive(1)
    with (
        served(written.open("ada")) as (address, _),
        httpx.Client(base_url=f"{address}/api", auth=ADA) as client,
    ):
        assert code_of(client.get(f"/studies/{name}/diagnosis")) == (409, "not-diagnosed")
        written.diagnose(name)
        assert client.get(f"/studies/{name}/diagnosis").status_code == 200


def test_what_is_not_one_s_own_is_not_there(api: httpx.Client) -> None:
    upload = api.post("/uploads", content=study_zip()).json()["id"]
    assert code_of(api.get(f"/uploads/{upload}", auth=BEN)) == (404, "not-found")
    assert code_of(api.delete(f"/uploads/{upload}", auth=BEN)) == (404, "not-found")
    assert api.get("/uploads", auth=BEN).json() == {"uploads": []}
    assert api.get(f"/uploads/{upload}").status_code == 200


@pytest.mark.parametrize("path", ["/uploads", "/studies", "/studies/x", "/openapi.json", "/", "/nothing"])
def test_nothing_is_there_without_a_password(path: str, api: httpx.Client) -> None:
    for auth in (None, ("ada", "wrong password"), ("eve", PASSWORD)):
        answer = httpx.get(f"{api.base_url}{path.lstrip('/')}", auth=auth)
        assert code_of(answer) == (401, "log-in") and "Basic" in answer.headers["WWW-Authenticate"]


def test_another_site_s_page_uploads_nothing(api: httpx.Client) -> None:
    evil = {"Origin": "https://evil.example"}
    assert code_of(api.post("/uploads", content=study_zip(), headers=evil)) == (403, "other-origin")
    assert code_of(api.get("/uploads", headers={"Host": "evil.example"})) == (421, "wrong-host")
    assert api.get("/uploads").json() == {"uploads": []}


@pytest.mark.parametrize("path", ["/nothing", "/studies/..%2f..%2fetc", "/studies/x", "/uploads/x"])
def test_an_unknown_address_is_a_problem_in_json(path: str, api: httpx.Client) -> None:
    assert code_of(api.get(path)) == (404, "not-found")
    assert code_of(api.put(path, content=b""))[1] == "not-found"
    assert httpx.get(f"{api.base_url}".removesuffix("/api/") + "/nothing").status_code == 401


@pytest.mark.parametrize(
    ("archive", "status", "code"),
    [
        (b"no archive", 415, "not-a-zip"),
        (b"", 415, "not-a-zip"),
        (study_zip()[:-30] + study_zip()[-22:], 422, "zip-broken"),
        (raw_zip([Entry("../x", b"1")]), 422, "unsafe-path"),
        (raw_zip([Entry("a", declared=65 << 20)]), 422, "zip-bomb"),
        (raw_zip([Entry("a"), Entry("b", study_zip())]), 422, "nested-archive"),
        (raw_zip([Entry("a", image_bytes()), Entry("b", image_bytes(1, PatientID="X"))]), 422,
         "several-patients"),
    ],
)  # fmt: skip
def test_a_refusal_has_its_status_and_names_nobody(
    archive: bytes, status: int, code: str, api: httpx.Client, room: ReadingRoom
) -> None:
    answer = api.post("/uploads", content=archive)
    assert code_of(answer) == (status, code)
    assert not [word for word in PATIENT.values() if word in answer.text]
    assert room.studies.all() == {} and api.get("/uploads").json() == {"uploads": []}


def test_every_refusal_has_a_status_and_stands_in_the_description(api: httpx.Client) -> None:
    assert STATUS.keys() == UPLOAD_REFUSALS.keys()
    document = api.get("/openapi.json").json()
    post = document["paths"]["/api/uploads"]["post"]
    assert all(f"`{code}`" in post["responses"][str(STATUS[code])]["description"] for code in STATUS)
    for operation in (post, document["paths"]["/api/studies"]["get"]):
        assert "`log-in`" in operation["responses"]["401"]["description"]
        assert "`login-slowed`" in operation["responses"]["429"]["description"]
    assert post["requestBody"]["content"].keys() == {"application/zip"}
    assert document["security"] == [{"reader": []}]


def test_the_description_says_what_every_answer_has(api: httpx.Client) -> None:
    document = api.get("/openapi.json").json()
    assert {(path, method) for path, one in document["paths"].items() for method in one} == {
        ("/api/uploads", "post"), ("/api/uploads", "get"), ("/api/uploads/{upload}", "get"),
        ("/api/uploads/{upload}", "delete"), ("/api/studies", "get"), ("/api/studies/{name}", "get"),
        ("/api/studies/{name}/diagnosis", "get"),
    }  # fmt: skip
    upload = api.post("/uploads", content=study_zip()).json()
    schemas = document["components"]["schemas"]
    assert schemas["Upload"]["properties"].keys() == upload.keys()
    assert schemas["Study"]["properties"].keys() == upload["study"].keys()
    parts = [one for one in schemas.values() if "properties" in one]
    assert all(one.get("description") for one in parts)
    assert schemas["Problem"]["properties"].keys() == {"code", "problem"}
