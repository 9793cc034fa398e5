"""The command line as users meet it: exit codes, one line for what they can mend, nothing half-written."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pytest

import deploy.commands.root
import deploy.demo
from deploy.commands.root import main
from preprocessing.phantom.hospital import make_hospitals
from preprocessing.phantom.presets import hospital_plans
from preprocessing.prepare import prepare
from preprocessing.settings import PreprocessingSettings
from preprocessing.store.lobe_store import LobeStore
from shared_model.protocol import PROTOCOL
from shared_model.saved_model import ModelCard, save_model
from shared_model.study import load_study, study_names
from tests.support.initial_weights import initial_weights
from tests.support.processes import unmeasured_environment

TINY = load_study("tiny")


def pneumofed(*arguments: object, largest_file: int | None = None) -> subprocess.CompletedProcess[str]:
    def limit() -> None:
        if largest_file is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

    command = [sys.executable, "-m", "deploy.commands", *map(str, arguments)]
    environment = os.environ if largest_file is None else unmeasured_environment()
    return subprocess.run(
        command, capture_output=True, env=environment, text=True, preexec_fn=limit, timeout=300
    )


def here(capsys, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The same in this process, where a new one would prove no more."""
    with pytest.raises(SystemExit) as ending:
        main([*map(str, arguments)])
    captured = capsys.readouterr()
    return subprocess.CompletedProcess(arguments, ending.value.code, captured.out, captured.err)


def assert_refused(done: subprocess.CompletedProcess[str], code: str) -> None:
    """Exit 1, nothing on stdout, and on stderr one line with code and remedy."""
    assert done.returncode == 1, done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error [")]
    assert len(errors) == 1 and errors[0].startswith(f"error [{code}]: "), done.stderr
    assert "Traceback" not in done.stderr and not done.stdout.strip()
    assert len(errors[0]) > len(f"error [{code}]: ") + 20


@pytest.fixture(scope="module")
def hospital(tmp_path_factory) -> Path:
    """The folder of one tiny phantom hospital."""
    return make_hospitals(hospital_plans("tiny", None), tmp_path_factory.mktemp("phantoms"), seed=0)[0].folder


@pytest.fixture(scope="module")
def store(hospital, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("stores") / "store"
    prepare(hospital / "studies", hospital / "labels.csv", path)
    return path


@pytest.fixture
def model(tmp_path) -> Path:
    save_model(tmp_path / "model", initial_weights(TINY), ModelCard(study=TINY, trained_on="Nothing at all."))
    return tmp_path / "model"


def labels_with(hospital: Path, folder: Path, change) -> Path:
    lines = (hospital / "labels.csv").read_text().splitlines()
    path = folder / "labels.csv"
    path.write_text("\n".join(change(lines)) + "\n")
    return path


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("label-unknown", lambda lines: [*lines[:-1], lines[-1].split(",")[0] + ",flu"]),
        ("labels-unreadable", lambda lines: lines[1:]),
    ],
)
def test_wrong_labels_are_refused_before_any_work(hospital, tmp_path, capsys, code, change):
    labels, store = labels_with(hospital, tmp_path, change), tmp_path / "store"
    done = here(capsys, "hospital", "prepare", hospital / "studies", "--labels", labels, "--store", store)
    assert_refused(done, code)
    assert not store.exists()


def test_an_empty_folder_is_refused(tmp_path, capsys):
    empty, labels, store = tmp_path / "empty", tmp_path / "labels.csv", tmp_path / "store"
    empty.mkdir()
    labels.write_text("study,label\n")
    done = here(capsys, "hospital", "prepare", empty, "--labels", labels, "--store", store)
    assert_refused(done, "folder-empty")
    assert not store.exists()
    assert_refused(here(capsys, "hospital", "check", empty, "--json"), "folder-empty")


def test_a_model_is_measured_on_a_store(model, store, capsys):
    done = pneumofed("evaluate", "--model", model, "--store", store, "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["trained_on"] == "Nothing at all." and figures["diseased"]["n"] == 4
    assert figures["covid"]["auc"]["n"] == 2 and figures["covid"]["calibration"]["n"] == 2
    rows = figures["three_class"]["counts"].values()
    assert sum(scans for row in rows if row for scans in row.values()) == 4
    words = here(capsys, "evaluate", "--model", model, "--store", store)
    assert words.returncode == 0 and "Nothing at all." in words.stdout and "specificity" in words.stdout


@pytest.mark.parametrize("command", ["evaluate", "diagnose", "demo"])
def test_a_device_is_there_or_refused_and_its_words_are_known(
    model, store, hospital, tmp_path, capsys, command
):
    out = tmp_path / "out"
    scan = sorted((hospital / "studies").iterdir())[0]
    arguments = {
        "evaluate": ("--model", model, "--store", store),
        "diagnose": (scan, "--model", model, "--out", out),
        "demo": ("--out", out),
    }[command]
    assert_refused(here(capsys, command, *arguments, "--device", "cuda:99"), "no-device")
    done = here(capsys, command, *arguments, "--device", "tpu")
    assert done.returncode == 2 and "auto, cpu, cuda" in done.stderr
    assert not out.exists()


def test_the_demos_own_words_become_its_plan(monkeypatch, tmp_path, capsys):
    asked = {}

    def run_demo(out, **choices):
        asked.update(choices)
        return {}

    monkeypatch.setattr(deploy.demo, "run_demo", run_demo)
    monkeypatch.setattr(deploy.commands.root, "print_study", lambda *_, **__: None)
    words = ("--hospitals", "one-class", "--scans", 12, "--quick", "--engine", "local", "--device", "cpu")
    assert here(capsys, "demo", "--out", tmp_path / "x", *words).returncode == 0
    assert asked["plan"] == deploy.demo.quick_plan("one-class", 12)
    assert (asked["engine"], asked["device"], asked["seed"]) == ("local", "cpu", 0)
    assert asked["command"] == (
        "pneumofed demo --out x --quick --hospitals one-class --scans 12 --engine local --device cpu"
    )
    assert here(capsys, "demo", "--out", tmp_path / "x").returncode == 0
    assert asked["plan"] == deploy.demo.full_plan("demo", None)
    assert (asked["engine"], asked["device"]) == ("workers", "auto")
    assert here(capsys, "demo", "--out", tmp_path / "x", "--hospitals", "huge").returncode == 2


def test_a_store_made_with_other_preprocessing_is_refused(model, tmp_path, capsys):
    LobeStore.create(tmp_path / "other", PreprocessingSettings(lobes="paper"))
    done = here(capsys, "evaluate", "--model", model, "--store", tmp_path / "other")
    assert_refused(done, "store-fingerprint")


def test_a_model_of_another_architecture_is_refused(store, hospital, tmp_path, capsys):
    wide = TINY.model_copy(update={"network": TINY.network.model_copy(update={"width": 0.125})})
    save_model(tmp_path / "model", initial_weights(wide), ModelCard(study=TINY, trained_on="x"))
    assert_refused(
        pneumofed("evaluate", "--model", tmp_path / "model", "--store", store), "architecture-mismatch"
    )
    study, out = sorted((hospital / "studies").iterdir())[0], tmp_path / "out"
    done = here(capsys, "diagnose", study, "--model", tmp_path / "model", "--out", out)
    assert_refused(done, "architecture-mismatch")
    assert not out.exists()


def test_a_missing_or_damaged_model_is_refused(model, store, tmp_path, capsys):
    assert_refused(here(capsys, "evaluate", "--model", tmp_path / "none", "--store", store), "model-missing")
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8] + bytes(8))
    assert_refused(here(capsys, "evaluate", "--model", model, "--store", store), "model-damaged")


def test_a_full_disk_leaves_nothing_half_written(hospital, tmp_path):
    """A limit on the size of files stands in for the full disk: writes fail in the same places."""
    demo = pneumofed("demo", "--out", tmp_path / "demo", "--quick", largest_file=16)
    assert_refused(demo, "disk-full")
    assert list(tmp_path.iterdir()) == []
    store = tmp_path / "store"
    done = pneumofed(
        "hospital", "prepare", hospital / "studies", "--labels", hospital / "labels.csv", "--store", store,
        largest_file=20_000,
    )  # fmt: skip
    assert_refused(done, "disk-full")
    assert not list(store.rglob("*.blosc")) and not list(tmp_path.rglob("*.partial"))


def test_a_folder_in_use_is_refused(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("precious")
    assert_refused(here(capsys, "demo", "--out", tmp_path, "--quick"), "out-exists")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_without_rights_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    done = pneumofed("phantom", "--out", tmp_path / "file" / "out", "--preset", "tiny")
    assert_refused(done, "file-error")


def test_an_unknown_preset_is_refused(tmp_path, capsys):
    assert_refused(here(capsys, "phantom", "--out", tmp_path / "out", "--preset", "huge"), "phantom-preset")


@pytest.mark.parametrize(
    "arguments", [["dmeo"], ["demo"], ["demo", "--out", "x", "--seed", "-1"], ["demo", "--fast"]]
)
def test_wrong_use_exits_with_2_and_says_what_is_wrong(arguments):
    done = pneumofed(*arguments)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "Usage" in done.stderr or "Error" in done.stderr


def test_help_needs_neither_torch_nor_flower():
    code = "import sys, deploy.commands.root; print(' '.join(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"torch", "flwr", "pydicom", "cv2", "sklearn"} & set(loaded)


def test_the_studies_fit_this_versions_preprocessing():
    for name in study_names():
        assert load_study(name).preprocessing == PreprocessingSettings().fingerprint, name


def test_an_interrupted_demo_leaves_nothing(tmp_path):
    command = [
        sys.executable,
        "-m",
        "deploy.commands",
        "demo",
        "--out",
        str(tmp_path / "demo"),
        "--quick",
    ]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Tests started in the background inherit that SIGINT is ignored; a person's shell does not do that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as running:
        while not list(tmp_path.glob(".demo.*.partial/hospitals")):
            assert running.poll() is None
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        _, stderr = running.communicate(timeout=120)
    assert running.returncode == 130 and stderr.rstrip().endswith("interrupted")
    assert list(tmp_path.iterdir()) == []


def test_the_version_names_package_and_protocol(capsys):
    with pytest.raises(SystemExit) as ending:
        main(["--version"])
    assert ending.value.code == 0
    assert capsys.readouterr().out == f"pneumofed {version('pneumofed')}, protocol {PROTOCOL}\n"


def test_what_commands_write_is_for_its_owner_alone():
    with pytest.raises(SystemExit):
        main(["--version"])
    assert os.umask(0o022) == 0o077
