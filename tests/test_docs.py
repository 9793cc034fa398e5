"""What documents and code point to exists, and the commands that documents show can be typed."""

import re
import shlex
from pathlib import Path

import pytest
import typer
from click import Command, Context, Group

from tests.support.rooms import ROOMS

ROOT = Path(__file__).resolve().parents[1]
DECISIONS = ROOT / "docs" / "decisions"
PACKAGES = ("preprocessing", "shared_model", "client", "server", "deploy", "tests", "benchmarks")
FOLDERS = ("docs", "tests", "benchmarks")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(path for top in FOLDERS for path in (ROOT / top).rglob("*.md"))])
LONGEST_DECISION = 36  # lines: a page


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


def decisions() -> list[Path]:
    return sorted(path for path in DECISIONS.glob("*.md") if path.name != "README.md")


def test_decisions_have_one_number_each_and_bear_it() -> None:
    numbers = [path.name[:4] for path in decisions()]
    assert len(set(numbers)) == len(numbers)
    assert all(path.read_text().startswith(f"# {path.name[:4]} ") for path in decisions())


@pytest.mark.parametrize("decision", decisions(), ids=name_of)
def test_a_decision_is_a_page_of_question_answer_and_reason(decision: Path) -> None:
    lines = decision.read_text().splitlines()
    assert [line for line in lines if line.startswith("## ")] == ["## Question", "## Answer", "## Reason"]
    assert len(lines) <= LONGEST_DECISION


def test_the_index_names_every_decision_once() -> None:
    named = re.findall(r"\]\((\d{4}-[^)]+)\)", (DECISIONS / "README.md").read_text())
    assert sorted(named) == [path.name for path in decisions()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see docs/decisions/0012, and decision 0090.", ["0012", "0090"]),
        ("decisions [0080](decisions/0080-two-zones.md) to [0083](x.md)", ["0080", "0080", "0083"]),
        ("in decisions 0050 to 0059", ["0050", "0059"]),
        ("learned so (0052), as said (0066, 0096)", ["0052", "0066", "0096"]),
        ("mode 0600, LEDGER/00-0001.json, 0.0011", []),
    ],
)
def test_numbers_of_decisions_are_found(text: str, expected: list[str]) -> None:
    assert decisions_named(text) == expected


def decisions_named(text: str) -> list[str]:
    """The numbers of decisions that `text` refers to: in a path, after the word, in brackets."""
    number, joint = r"\[?0\d{3}\b\]?", r"(?:, | and | to )"
    lists = rf"decisions?[ /](?:{number}{joint})*{number}|\({number}(?:{joint}{number})*\)|\[0\d{{3}}\]"
    return [found for one in re.findall(lists, text) for found in re.findall(r"0\d{3}", one)]


def test_decisions_that_are_referred_to_exist() -> None:
    """In documents and in the code; not here, where examples name some that do not exist."""
    code = [ROOT / "pyproject.toml"]
    code += [p for top in PACKAGES for end in ("py", "toml", "proto") for p in (ROOT / top).rglob(f"*.{end}")]
    known = {path.name[:4] for path in decisions()}
    wrong = {
        name_of(file): unknown
        for file in {*DOCUMENTS, *code} - {Path(__file__)}
        if (unknown := set(decisions_named(file.read_text())) - known)
    }
    assert not wrong


@pytest.mark.parametrize("document", [*DOCUMENTS, *ROOT.glob("shared_model/studies/*.toml")], ids=name_of)
def test_files_that_documents_name_exist(document: Path) -> None:
    """`package/folder/file.py` and `package/folder/`, in code spans."""
    named = re.findall(rf"`((?:{'|'.join(PACKAGES)})/[\w/.-]*?(?:\.\w+|/))`", document.read_text())
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("package", ROOMS)
def test_the_architecture_shows_the_rooms_as_the_import_rule_has_them(package: str) -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    section = text.partition(f"\n### {package}\n")[2].partition("\n#")[0]
    rows = re.findall(r"^\| (\d+) \| (.+?) \|", section, re.MULTILINE)
    shown = {(int(floor), name) for floor, parts in rows for name in re.findall(r"`(\w+)(?:\.py|/)`", parts)}
    held = {(floor, name) for floor, names in enumerate(ROOMS[package], 1) for name in names.split()}
    assert shown - {(5, "studies")} == held  # studies: data beside study.py


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


LONGEST_CELL = 15  # words: a table is for looking up


@pytest.mark.parametrize("name", ["architecture", "faults", "hospital", "coordinator", "researcher"])
def test_no_table_cell_is_a_paragraph(name: str) -> None:
    rows = [line for line in (ROOT / "docs" / f"{name}.md").read_text().splitlines() if line.startswith("|")]
    cells = [cell for row in rows for cell in row.strip("|").split(" | ")]
    assert [cell for cell in cells if len(cell.split()) > LONGEST_CELL] == []
