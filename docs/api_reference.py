"""The page of the reading room's API, from the OpenAPI document that the room serves."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from client.pacs.pacs_settings import PacsSettings
from client.reading_room.room import ReadingRoom
from deploy.pages.reading.api import api_routes, openapi_document
from deploy.pages.reading.reading_pages import reading_pages

_INTRODUCTION = """\
# The reading room's API

{description}

What it is for: [reading-room.md](../reading-room.md#for-programs). The same as OpenAPI: `/api/openapi.json`.
"""


def api_reference() -> str:
    """The page as Markdown."""
    with TemporaryDirectory() as folder:
        paths = {name: Path(folder) / name for name in ("inbox", "results", "reading")}
        room = ReadingRoom(PacsSettings.model_validate(paths))
        document = openapi_document(api_routes(room, reading_pages(room)))
    lines = [_INTRODUCTION.format(description=document["info"]["description"])]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            lines += [f"## {method.upper()} {path}", "", _one_line(operation["description"]), ""]
            lines += [*_body(operation), *_answers(operation), ""]
    for name, schema in document["components"]["schemas"].items():
        lines += _fields(name, schema)
    return "\n".join(lines).rstrip() + "\n"


def _body(operation: dict[str, Any]) -> Iterator[str]:
    for kind in operation.get("requestBody", {}).get("content", {}):
        yield f"- body: `{kind}`"


def _answers(operation: dict[str, Any]) -> Iterator[str]:
    for status, answer in sorted(operation["responses"].items()):
        schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
        of = f" {_type(schema)}" if schema else ""
        said = "" if answer["description"] == "Successful Response" else f": {answer['description']}"
        yield f"- {status}{of}{said}"


def _fields(name: str, schema: dict[str, Any]) -> Iterator[str]:
    """The document's own types; those of diagnosis.json have a page of their own."""
    if not name.startswith(("Problem", "Progress", "Stud", "Upload")):
        return
    yield from (f"## {name}", "", _one_line(schema["description"]), "")
    for field, one in schema["properties"].items():
        described = f": {_one_line(one['description'])}" if "description" in one else ""
        yield f"- `{field}` ({_type(one)}){described}"
    yield ""


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return "[diagnosis.json](diagnosis-json.md)" if name == "DiagnosisDocument" else f"`{name}`"
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    if "enum" in schema:
        return "one of " + ", ".join(f"`{one}`" for one in schema["enum"])
    words = {"integer": "whole number", "boolean": "true or false", "string": "text", "object": "object"}
    return "time" if schema.get("format") == "date-time" else words.get(schema["type"], schema["type"])


def _one_line(text: str) -> str:
    return " ".join(text.split())
