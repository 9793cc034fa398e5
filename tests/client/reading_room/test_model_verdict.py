"""A diagnosis in short says what its document says."""

from client.reading_room.model_verdict import model_verdict
from tests.support.reading_room import WrittenRoom


def test_every_figure_is_the_documents(tmp_path) -> None:
    written = WrittenRoom(tmp_path)
    name = written.arrive(1)
    limits = [{"code": "one-lung", "words": "one lung is missing"}]
    written.diagnose(name, label="other", uncertain=True, limits=limits, flags=["uneven-spacing"], ml=12.5)
    document = written.open().study(name).document()
    verdict = model_verdict(document)
    assert verdict.made_of.split() == [document.files_sha256, "w" * 64, "c" * 64]
    assert (verdict.label, verdict.uncertain, verdict.priority) == ("other", True, 2)
    assert (verdict.limits, verdict.flags) == (("one-lung",), ("uneven-spacing",))
    assert (verdict.infected_ml, verdict.infected_percent) == (12.5, 2.5)
    assert (verdict.model, verdict.weights_sha256) == (document.model.study, "w" * 64)
    assert (verdict.probability_diseased, verdict.probability_covid) == (0.9, 0.9)
