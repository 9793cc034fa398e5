"""Containers by podman and podman-compose: what documents say is typed, and what runs is looked at."""

import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

from tests.support.processes import ROOT

IMAGES = ("node", "trainer", "coordinator")
DOCKER_COMPOSE = "docker compose"


def why_not(version: str) -> str | None:
    """The reason why no container can be started here; None if one can."""
    for program in ("podman", "podman-compose"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    if os.geteuid() != 0:
        return "files of the containers' users are made by root alone"
    for name in IMAGES:
        image = f"pneumofed-{name}:{version}"
        if subprocess.run(["podman", "image", "exists", image], capture_output=True).returncode:
            return f"podman has no image {image}: make it with `pneumofed release images`"
    return None


def podman(*arguments: object) -> str:
    """What it prints."""
    done = subprocess.run(["podman", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def typed(document: str, heading: str) -> list[str]:
    """The lines of the first shell block under a heading of a file in docs/."""
    _, text = (ROOT / "docs" / document).read_text().split(f"\n## {heading}\n", 1)
    return re.search(r"```sh\n(.*?)```", text, re.DOTALL)[1].strip().splitlines()  # type: ignore[index]


class Project:
    """A folder with a compose.yaml, as the project `name`."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder

    def shell(self, line: str) -> str:
        """A line that a document shows, by podman-compose; `exec` without a terminal."""
        compose = f"podman-compose -p {self.name}"
        line = line.replace(DOCKER_COMPOSE, compose).replace(f"{compose} exec", f"{compose} exec -T")
        done = subprocess.run(
            ["sh", "-c", line], cwd=self.folder, capture_output=True, text=True, timeout=900
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout

    def inside(self, service: str, *command: object) -> subprocess.CompletedProcess[str]:
        """A command in the service's container."""
        words = ["podman", "exec", self.container(service), *map(str, command)]
        return subprocess.run(words, capture_output=True, text=True, timeout=900)

    def container(self, service: str) -> str:
        return f"{self.name}_{service}_1"

    def state(self, service: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(podman("inspect", self.container(service)))[0]
        return found

    def process(self, service: str) -> int:
        """The first process of the container; 0 if it does not run."""
        return int(self.state(service)["State"]["Pid"])

    def kill(self, service: str) -> None:
        """As the kernel kills a process that has too much memory."""
        os.kill(self.process(service), signal.SIGKILL)

    def is_healthy(self, service: str) -> bool:
        """By the image's own check, run now: without systemd podman has nobody who runs it."""
        return (
            subprocess.run(
                ["podman", "healthcheck", "run", self.container(service)], capture_output=True
            ).returncode
            == 0
        )

    def down(self) -> None:
        subprocess.run(
            ["podman-compose", "-p", self.name, "down"], cwd=self.folder, capture_output=True, timeout=300
        )
