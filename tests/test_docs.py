"""What the documents point to exists, and the commands they show can be typed."""

import re
import shlex
from pathlib import Path

import pytest
import typer
from click import Command, Context, Group

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("tests/*.md")])


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_lead_to_files_and_headings(document: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if link.startswith("https://"):
            continue
        file, _, heading = link.partition("#")
        target = (document.parent / file).resolve() if file else document
        assert target.exists(), link
        assert not heading or heading in anchors(target), link


def anchors(document: Path) -> set[str]:
    """The anchors of a Markdown file's headings, as they are commonly made."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_decisions_have_one_number_each_and_bear_it() -> None:
    decisions = sorted(p for p in (ROOT / "docs" / "decisions").glob("*.md") if p.name != "README.md")
    numbers = [path.name[:4] for path in decisions]
    assert len(set(numbers)) == len(numbers)
    assert all(path.read_text().startswith(f"# {path.name[:4]} ") for path in decisions)


def shown_commands() -> list[str]:
    """Lines of shell blocks in the README that call pneumofed."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith("pneumofed ")]


@pytest.mark.parametrize("line", shown_commands())
def test_the_readmes_commands_are_understood(line: str) -> None:
    """Parsed by the command line itself, but not run."""
    from deploy.commands.root import app

    command: Command = typer.main.get_command(app)
    words = shlex.split(line)[1:]
    while isinstance(command, Group):
        command = command.commands[words.pop(0)]
    # Given values are not looked up: what the README names need not exist here.
    for parameter in command.params:
        if hasattr(parameter.type, "exists"):
            parameter.type.exists = False
    Context(command).command.make_context("pneumofed", words)
