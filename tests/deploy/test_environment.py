"""The program that Flower's SuperNode starts by name: ours comes first."""

import shutil

from deploy.environment import BIN, EXECUTOR, node_environment, quiet_environment


def test_ours_is_found_first_and_flowers_where_ours_may_not_be_run(tmp_path):
    path = node_environment(tmp_path)["PATH"]
    ours = tmp_path / "bin" / EXECUTOR
    assert shutil.which(EXECUTOR, path=path) == str(ours)
    assert shutil.which(EXECUTOR, path=quiet_environment(tmp_path)["PATH"]) == str(BIN / EXECUTOR)
    ours.chmod(0o600)  # to exec it fails as on a file system without programs
    assert shutil.which(EXECUTOR, path=path) == str(BIN / EXECUTOR)
