"""What results say of the software fits into DICOM's values."""

from client.diagnosis.dicom_results.producer import algorithm, description, equipment
from tests.support.diagnosed_scans import card, measured_card, study


def test_long_names_are_cut_and_research_is_said() -> None:
    long = card().model_copy(update={"study": study(name="x" * 80), "weights_sha256": "ab" * 32})
    (item,) = algorithm(long)
    assert len(item.AlgorithmName) == 64 and item.AlgorithmVersion == "ab" * 8
    assert equipment(long)["device_serial_number"] == "ab" * 8
    assert description(long, "lungs") == "pneumofed: lungs (research use only)"
    assert description(measured_card(), "lungs") == "pneumofed: lungs"
