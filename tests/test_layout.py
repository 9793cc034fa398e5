"""The test of a module has its path and its name; and no test module imports from another."""

import ast
from pathlib import Path

import pytest

from tests.support.processes import ROOT

TESTS = ROOT / "tests"
PACKAGES = ("preprocessing", "shared_model", "client", "server", "deploy")

# Modules without a test of their own, and the test that would fail if they were wrong. Not for new modules.
TESTED_BY = {
    "preprocessing/phantom/chest.py": "preprocessing/phantom/test_patient.py",
    "preprocessing/phantom/chest_wall.py": "preprocessing/phantom/test_patient.py",
    "preprocessing/phantom/great_vessels.py": "preprocessing/phantom/test_patient.py",
    "preprocessing/phantom/organs.py": "preprocessing/phantom/test_patient.py",
    "preprocessing/phantom/parenchyma.py": "preprocessing/phantom/test_disease.py",
    "preprocessing/pipeline.py": "preprocessing/test_prepare.py",
    "shared_model/layer_scaling.py": "shared_model/test_initial_weights.py",
    "shared_model/pretrained.py": "shared_model/test_networks.py",
    "shared_model/rectangle.py": "shared_model/test_sparse_convolution.py",
    "shared_model/study_stage.py": "shared_model/test_study.py",
    "shared_model/synthetic_lobes.py": "shared_model/test_initial_weights.py",
    "shared_model/threads.py": "shared_model/test_initial_weights.py",
    "client/diagnosis/captions.py": "client/diagnosis/test_slice_pictures.py",
    "client/diagnosis/coronal_summary.py": "client/diagnosis/test_slice_pictures.py",
    "client/diagnosis/diagnosis.py": "client/diagnosis/test_diagnose.py",
    "client/diagnosis/diagnosis_output.py": "client/diagnosis/test_diagnose_folder.py",
    "client/diagnosis/document.py": "client/diagnosis/test_diagnosis_json.py",
    "client/diagnosis/plotting.py": "client/diagnosis/test_slice_pictures.py",
    "client/node/messages.py": "client/node/test_app.py",
    "client/preflight/speed.py": "client/preflight/test_network.py",
    "client/trainer/job_runner.py": "client/trainer/test_service.py",
    "client/trainer/jobs.py": "client/trainer/test_service.py",
    "client/trainer/proposal_summary.py": "deploy/commands/test_hospital.py",
    "client/trainer/server.py": "client/trainer/test_service.py",
    "client/trainer/site_factory.py": "end_to_end/test_two_zones.py",
    "client/trainer/weights_file.py": "client/trainer/test_service.py",
    "client/trainer/worker.py": "client/trainer/test_service.py",
    "server/messages.py": "client/node/test_app.py",
    "server/report/__main__.py": "server/test_report_process.py",
    "server/report/group_metrics.py": "server/report/test_report_json.py",
    "server/report/hospital_block.py": "server/report/test_report_json.py",
    "server/report/calibration_plots.py": "server/report/test_quality_plots.py",
    "server/report/decision_plots.py": "server/report/test_quality_plots.py",
    "server/report/figures.py": "server/report/test_page.py",
    "server/report/roc_plots.py": "server/report/test_quality_plots.py",
    "server/report/round_axes.py": "server/report/test_training_plots.py",
    "server/report/svg.py": "server/report/test_page.py",
    "server/report/tables.py": "server/report/test_page.py",
    "server/report/three_classes.py": "server/report/test_report_json.py",
    "server/study_result.py": "server/test_ledger.py",
    "deploy/commands/coordinator_study.py": "deploy/commands/test_coordinator.py",
    "deploy/commands/hospital_federation.py": "deploy/commands/test_hospital.py",
    "deploy/coordinator/certificates.py": "deploy/coordinator/test_provision.py",
    "deploy/coordinator/folder.py": "deploy/coordinator/test_provision.py",
    "deploy/coordinator/kit.py": "deploy/coordinator/test_provision.py",
    "deploy/coordinator/serve.py": "deploy/test_healthy.py",
    "deploy/coordinator/superlink_process.py": "security/test_local_users.py",
    "deploy/evaluate.py": "deploy/commands/test_root.py",
    "deploy/example_scans.py": "deploy/test_demo.py",
    "deploy/progress.py": "deploy/test_demo.py",
    "deploy/openmetrics.py": "deploy/test_hospital_metrics.py",
    "deploy/pages/guard.py": "deploy/pages/test_page_app.py",
    "deploy/pages/coordinator/curves.py": "deploy/pages/coordinator/test_coordinator_pages.py",
    "deploy/pages/coordinator/federation_watch.py": "deploy/pages/coordinator/test_coordinator_pages.py",
    "deploy/pages/coordinator/remedies.py": "deploy/pages/coordinator/test_coordinator_pages.py",
    "deploy/pages/reading/step_words.py": "deploy/pages/reading/test_upload_routes.py",
    "deploy/simulation/grids.py": "deploy/simulation/test_worker_grid.py",
    "deploy/simulation/site_trainer.py": "client/node/test_app.py",
}

# Constants, interfaces, and entry points that only put parts together.
NOTHING_TO_DECIDE = {
    "preprocessing/phantom/store.py",
    "shared_model/constants.py",
    "shared_model/strategy.py",
    "server/strategies/server_step.py",
    "shared_model/errors.py",
    "shared_model/progress.py",
    "client/diagnosis/diagnosis_step.py",
    "client/diagnosis/result_names.py",
    "client/learning/training_context.py",
    "client/pacs/delivery_errors.py",
    "client/preflight/check_result.py",
    "client/trainer_interface.py",
    "deploy/commands/__main__.py",
    "deploy/commands/options.py",
    "deploy/environment.py",
    "deploy/commands/output.py",
    "deploy/executor/__main__.py",
}


def modules() -> list[str]:
    """Our modules as paths from the root; generated ones and the packages' own files left out."""
    return sorted(
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if path.name != "__init__.py" and not path.stem.endswith(("_pb2", "_pb2_grpc"))
    )


def namesake(module: str) -> Path:
    path = Path(module)
    return TESTS / path.parent / f"test_{path.name}"


def test_every_module_that_decides_something_has_a_test_of_its_name() -> None:
    without = {module for module in modules() if not namesake(module).is_file()}
    listed = TESTED_BY.keys() | NOTHING_TO_DECIDE
    assert sorted(without - listed) == [], "give them tests of their names"
    assert sorted(listed - without) == [], "they have such a test, or are gone: strike them from the lists"


@pytest.mark.parametrize("test", sorted(set(TESTED_BY.values())))
def test_the_tests_that_stand_in_are_there(test: str) -> None:
    assert (TESTS / test).is_file()


def imported(file: Path) -> set[str]:
    """Full dotted names that a module imports, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def test_no_test_module_imports_from_another() -> None:
    wrong = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in sorted(TESTS.rglob("*.py"))
        for name in imported(file)
        if name.startswith("tests.") and any(part.startswith("test_") for part in name.split("."))
    ]
    assert not wrong, wrong


def test_every_helper_stands_in_the_readme() -> None:
    text = (TESTS / "README.md").read_text()
    helpers = {path.name for path in (TESTS / "support").glob("*.py")} - {"__init__.py"}
    assert sorted(name for name in helpers if f"`{name}`" not in text) == []
