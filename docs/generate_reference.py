"""Writes docs/reference/ from the code: `make reference`. A test holds the pages in step with it.

commands.md from the command line's own help; the settings' pages from the models that read the files;
errors.md from the places that raise errors; reading-room-api.md from its OpenAPI document; files.md from the
docstrings of the modules that write files.
"""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import click
import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from client.diagnosis.document import DiagnosisDocument
from client.hospital_settings import HospitalSettings
from client.pacs.pacs_settings import PacsSettings
from client.reading_room.upload_refusals import UPLOAD_REFUSALS
from deploy.commands.root import app
from deploy.coordinator.settings import Federation
from docs.api_reference import api_reference
from preprocessing.reading.refusals import FILE_REFUSALS, FLAGS, SCAN_REFUSALS, SERIES_REFUSALS
from shared_model.study import StudyConfig

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "reference"
PACKAGES = ("preprocessing", "shared_model", "client", "server", "deploy")
MADE = "<!-- Made by `make reference`; change the code instead. -->\n\n"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text)


def pages() -> dict[str, str]:
    """File name -> text, of every page."""
    return {
        "README.md": MADE + _INDEX,
        "commands.md": MADE + _commands(),
        "federation-toml.md": MADE + _settings("federation.toml", Federation),
        "hospital-toml.md": MADE + _settings("hospital.toml", HospitalSettings),
        "pacs-toml.md": MADE + _settings("pacs.toml", PacsSettings),
        "study-toml.md": MADE + _settings("A study's file", StudyConfig),
        "diagnosis-json.md": MADE + _document(DiagnosisDocument),
        "diagnosis.schema.json": json.dumps(DiagnosisDocument.model_json_schema(), indent=2) + "\n",
        "reading-room-api.md": MADE + api_reference(),
        "errors.md": MADE + _errors(),
        "files.md": MADE + _files(),
    }


_INDEX = """\
# Reference

- [commands.md](commands.md): every command, its options and defaults
- every setting: [federation-toml.md](federation-toml.md), [hospital-toml.md](hospital-toml.md),
  [pacs-toml.md](pacs-toml.md), [study-toml.md](study-toml.md)
- [diagnosis-json.md](diagnosis-json.md): every field of `diagnosis.json`; as JSON Schema in
  [diagnosis.schema.json](diagnosis.schema.json)
- [reading-room-api.md](reading-room-api.md): the reading room for programs
- [errors.md](errors.md): every error code with its remedy, and why scans are refused
- [files.md](files.md): what is on disk
"""

# Commands


def _commands() -> str:
    root = typer.main.get_command(app)
    lines = ["# Commands", "", "Every command has `--help`. Exit code 0: done; 1: failed; 2: wrong use.", ""]
    for path, command in _leaves("pneumofed", root):
        lines += [f"## {path}", "", _one_line(command.help), "", "```", _usage(path, command), "```", ""]
        lines += [*_parameters(command), ""]
    return "\n".join(lines).rstrip() + "\n"


def _leaves(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    for name, child in command.commands.items():
        if not child.hidden:
            yield from _leaves(f"{path} {name}", child)


def _usage(path: str, command: click.Command) -> str:
    parts = command.collect_usage_pieces(click.Context(command))
    return " ".join([path, *parts])


def _parameters(command: click.Command) -> list[str]:
    rows = []
    for one in command.params:
        if isinstance(one, click.Option):
            if one.name == "help":
                continue
            name, text = ", ".join(one.opts), _one_line(one.help)
        else:
            name, text = one.human_readable_name, _one_line(getattr(one, "help", None))
        choices = f" One of {', '.join(one.type.choices)}." if isinstance(one.type, click.Choice) else ""
        required = " Required." if isinstance(one, click.Option) and one.required else ""
        default = one.default if isinstance(one.default, int | float | str | Path) else None
        shown = "" if default in (None, False, "") else f" Default: {default}."
        rows.append(f"- `{name}`: {text}{choices}{required}{shown}")
    return rows


def _one_line(text: str | None) -> str:
    return " ".join((text or "").replace("\\[", "[").split())


# Settings


def _settings(title: str, model: type[BaseModel]) -> str:
    lines = [f"# {title}", "", _one_line(model.__doc__), ""]
    for path, table in _tables("", model):
        if path:
            lines += [f"## {path}", "", _one_line(table.__doc__), ""]
        for name, field in table.model_fields.items():
            if not _models(field.annotation):
                described = f": {_one_line(field.description)}" if field.description else ""
                lines.append(f"- `{name}` ({_kind(field)}){described}{_limits(field)}")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _tables(path: str, model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    """The tables of the TOML file: the model itself, then each model among its fields."""
    yield path, model
    for name, field in model.model_fields.items():
        for inner in _models(field.annotation):
            several = "tuple" in str(field.annotation)
            place = f"{path.strip('[]')}.{name}".strip(".")
            yield from _tables(f"[[{place}]]" if several else f"[{place}]", inner)


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models(inner)]


def _kind(field: FieldInfo) -> str:
    text = re.sub(r"typing\.|<class '|'>|pathlib\.|Annotated\[(\w+),.*\]", r"\1", str(field.annotation))
    text = text.replace("Optional[", "").replace("Literal[", "one of ").replace("tuple[", "list of ")
    text = text.replace("]", "")
    if text.startswith("one of ") and "," not in text:
        text = text.removeprefix("one of ")
    text = text.replace(" | NoneType", "").replace(" | None", "").replace("None", "")
    words = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false", "Path": "path"}
    for word, plain in words.items():
        text = re.sub(rf"\b{word}\b", plain, text)
    default = "" if field.default is PydanticUndefined else f", {_default(field.default)}"
    needed = ", required" if field.is_required() else default
    return f"{text.replace(', ...', '')}{needed}"


def _default(value: Any) -> str:
    if value is None:
        return "none by default"
    if isinstance(value, bool):
        return f"default {str(value).lower()}"
    return f"default {value}" if not isinstance(value, tuple | Mapping) else "optional"


def _limits(field: FieldInfo) -> str:
    words = {"ge": "at least {}", "gt": "above {}", "le": "at most {}", "lt": "below {}"}
    found = [
        text.format(getattr(limit, name))
        for limit in field.metadata
        for name, text in words.items()
        if getattr(limit, name, None) is not None
    ]
    return f" {', '.join(found).capitalize()}." if found else ""


# Documents


def _document(model: type[BaseModel]) -> str:
    """One section for each type in the document, in the order in which they first appear."""
    lines = ["# diagnosis.json", "", _DOCUMENT_INTRODUCTION, ""]
    for part, places in _parts(model).items():
        title = ", ".join(f"`{place}`" for place in places) or "The document"
        lines += [f"## {title}", "", _one_line(part.__doc__), ""]
        for name, field in part.model_fields.items():
            lines.append(f"- `{name}`: {_one_line(field.description)}{_or_null(field)}")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


_DOCUMENT_INTRODUCTION = (
    "What each field means, with its unit; [diagnosis](../diagnosis.md) has an example, and\n"
    "[diagnosis.schema.json](diagnosis.schema.json) the JSON Schema. [] stands for each element of a list."
)


def _parts(model: type[BaseModel]) -> dict[type[BaseModel], list[str]]:
    """Each type with the places where the document has it; the document itself has no place."""
    found: dict[type[BaseModel], list[str]] = {model: []}

    def walk(part: type[BaseModel], place: str) -> None:
        for name, field in part.model_fields.items():
            for inner in _models(field.annotation):
                several = "[]" if "list[" in str(field.annotation) else ""
                where = f"{place}.{name}{several}".lstrip(".")
                found.setdefault(inner, []).append(where)
                walk(inner, where)

    walk(model, "")
    return found


def _or_null(field: FieldInfo) -> str:
    if type(None) not in get_args(field.annotation):
        return ""
    return " May be null." if field.is_required() else " May be absent or null."


# Errors

_OF = {
    "preprocessing": "Preparing scans",
    "client": "At a hospital",
    "server": "At the coordinator, in a study",
    "deploy": "Commands, and running a federation",
    "shared_model": "Studies, models and messages",
}


def _errors() -> str:
    lines = [
        "# Errors",
        "",
        "A command that fails prints one line, `error [code]: what, where, remedy`. Codes do not change.",
        "... stands for what the message names.",
        "",
    ]
    seen: set[str] = set()
    for package, title in _OF.items():
        found: dict[str, list[str]] = {}
        for code, message in _raised(package):
            if code not in seen:
                found.setdefault(code, []).append(message)
        seen |= found.keys()
        lines += [f"## {title}", ""]
        lines += [f"- `{code}`: {' Or: '.join(dict.fromkeys(found[code]))}" for code in sorted(found)]
        lines.append("")
    for title, table in (
        ("Files that are refused", FILE_REFUSALS),
        ("Series that are refused", SERIES_REFUSALS),
        ("Scans that are refused", SCAN_REFUSALS),
        ("Flags of scans that are used", FLAGS),
        ("Uploads that are refused", UPLOAD_REFUSALS),
    ):
        lines += [f"## {title}", "", *(f"- `{code}`: {text}" for code, text in table.items()), ""]
    return "\n".join(lines).rstrip() + "\n"


def _raised(package: str) -> Iterator[tuple[str, str]]:
    """Code and message of each PneumofedError that the package makes."""
    for path in sorted((ROOT / package).rglob("*.py")):
        tree = ast.parse(path.read_text())
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and _name(call.func) == "PneumofedError" and len(call.args) == 2:
                message = _text(_assigned(call.args[1], tree))
                for code in _codes(call.args[0]):
                    if message:
                        yield code, message
            elif isinstance(call, ast.Call):
                for keyword in call.keywords:
                    if keyword.arg == "code" and isinstance(keyword.value, ast.Constant):
                        yield str(keyword.value.value), "Every problem of the file is named."


def _name(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def _codes(node: ast.expr) -> list[str]:
    if isinstance(node, ast.IfExp):
        return _codes(node.body) + _codes(node.orelse)
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def _assigned(node: ast.expr, tree: ast.Module) -> ast.expr:
    """What the variable `node` was given last before it is used; anything else as it is."""
    if not isinstance(node, ast.Name):
        return node
    given = [
        one
        for one in ast.walk(tree)
        if isinstance(one, ast.Assign)
        and one.lineno < node.lineno
        and any(isinstance(target, ast.Name) and target.id == node.id for target in one.targets)
    ]
    return max(given, key=lambda one: one.lineno).value if given else node


def _text(node: ast.expr) -> str:
    """A string or f-string, with "..." for what is filled in; empty if it is neither."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return "..."
    return str(node.value) if isinstance(node, ast.Constant) else ""


# Files on disk


_LAYOUT = r"(?:^    [\w-]*[./][\w.,/ *-]*(?:  +.*|)\n(?:^     +.*\n)*)+"
"""Indented lines that begin with a path, and their continuations."""


def _files() -> str:
    lines = ["# Files on disk", "", "Every file is written whole or not at all.", ""]
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            docstring = path.read_text().partition('"""')[2].partition('"""')[0]  # indented as it is written
            if block := re.search(_LAYOUT, docstring, re.MULTILINE):
                first = docstring.splitlines()[0].rstrip(".")
                module = path.relative_to(ROOT)
                lines += [f"## {first}", "", "```", _dedent(block[0]), "```", "", f"`{module}`", ""]
    return "\n".join(lines).rstrip() + "\n"


def _dedent(block: str) -> str:
    return "\n".join(line[4:] for line in block.rstrip().splitlines())


if __name__ == "__main__":
    main()
