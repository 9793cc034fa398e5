"""The made-up study's report."""

from typing import Any

import pytest

from server.report.report_json import report_document
from tests.support import example_result


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    return report_document(example_result.result(), {"phantoms": 31.24, "prepare": 59.96, "training": 3725.0})
