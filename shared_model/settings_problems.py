"""A settings file's problems in words that its writer can use, in place of pydantic's."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_LONGEST = 60
"""Characters of a value that are shown."""

_MUST_BE = {
    "string_type": "text in quotes",
    "path_type": "a path in quotes",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list in [ ]",
    "list_type": "a list in [ ]",
    "dict_type": "a table",
    "model_type": "a table",
    "literal_error": "{expected}",
    "greater_than": "above {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "below {lt}",
    "less_than_equal": "at most {le}",
    "string_too_short": "at least {min_length} characters long",
    "string_too_long": "at most {max_length} characters long",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
}
"""By pydantic's type of an error."""

Path = tuple[int | str, ...]


def problems_in_words(error: ValidationError, model: type[BaseModel], document: Mapping[str, Any]) -> str:
    """Every problem once, in one line. document: what was to become a `model`."""
    problems = [problem for problem in error.errors() if not _follows_from_another(problem)]
    return "; ".join(dict.fromkeys(_problem_in_words(problem, model, document) for problem in problems))


def _follows_from_another(problem: ErrorDetails) -> bool:
    """Whether a list is too short only because its elements have problems of their own."""
    value = problem["input"]
    return problem["type"] == "too_short" and len(value) >= problem.get("ctx", {})["min_length"]


def _problem_in_words(problem: ErrorDetails, model: type[BaseModel], document: Mapping[str, Any]) -> str:
    kind, context = problem["type"], problem.get("ctx", {})
    path = _path_in(document, problem["loc"], missing=kind == "missing")
    if kind == "extra_forbidden":
        return _unknown(path, model, document)
    where = _place(path, document)
    if kind == "missing":
        return f"{where} is missing"
    field = next((m.model_fields[n] for m, n in _owners(model, path)), None)
    value = _shown(problem["input"], field)
    if (must_be := _MUST_BE.get(kind)) is not None:
        return f"{where}{f' is {value},' if value else ':'} it must be {must_be.format(**context)}"
    words = problem["msg"].removeprefix("Value error, ")
    if kind == "string_pattern_mismatch" and field is not None and field.description:
        words = field.description.rstrip(".")
    return f"{' '.join(filter(None, (where, value)))}: {words}" if where else words


def _path_in(document: Mapping[str, Any], location: Path, *, missing: bool) -> Path:
    """The parts of pydantic's location that are in the document, and what is missing there.

    The others name a branch of a union of types.
    """
    path: list[int | str] = []
    present: Any = document
    for number, part in enumerate(location, 1):
        if isinstance(present, Mapping) and (part in present or (missing and number == len(location))):
            present = present.get(part)
        elif isinstance(present, Sequence) and isinstance(part, int) and part < len(present):
            present = present[part]
        else:
            continue
        path.append(part)
    return tuple(path)


def _place(path: Path, document: Any) -> str:
    """Such as "second of `hospitals`, `role`", with the name of the second one if it has any; "" for ()."""
    words, names = "", list[str]()
    for number, part in enumerate(path):
        document = document.get(part) if isinstance(document, Mapping) else document[int(part)]
        if isinstance(part, str):
            names.append(repr(part)[1:-1])
            continue
        ordinal = _ORDINALS[part] if part < len(_ORDINALS) else f"number {part + 1}"
        words += f"{', ' if words else ''}{ordinal} of `{'.'.join(names)}`"
        names.clear()
        known = document.get("name") if isinstance(document, Mapping) else None
        if isinstance(known, str) and path[number + 1 :] != ("name",):
            words += f" ({_cut(repr(known))})"
    return words + (f"{', ' if words else ''}`{'.'.join(names)}`" if names else "")


def _unknown(path: Path, model: type[BaseModel], document: Mapping[str, Any]) -> str:
    """Of a setting that no model has: with the most similar one at that place."""
    known = {name for one in _models_at(model, path[:-1]) for name in one.model_fields}
    where, similar = _place(path[:-1], document), get_close_matches(str(path[-1]), sorted(known), n=1)
    return (
        f"no setting `{repr(str(path[-1]))[1:-1]}`"
        + (f" in {where}" if where else "")
        + (f", do you mean `{similar[0]}`?" if similar else "")
    )


def _owners(model: type[BaseModel], path: Path) -> Iterator[tuple[type[BaseModel], str]]:
    """The models with the setting at `path`, or that it is an element of, and its name."""
    names = [number for number, part in enumerate(path) if isinstance(part, str)]
    if names:
        name = str(path[names[-1]])
        for one in _models_at(model, path[: names[-1]]):
            if name in one.model_fields:
                yield one, name


def _models_at(model: type[BaseModel], path: Path) -> list[type[BaseModel]]:
    """What a table at `path` may be."""
    found = [model]
    for part in path:
        if isinstance(part, str):
            fields = [one.model_fields[part] for one in found if part in one.model_fields]
            found = [inner for field in fields for inner in _models_in(field.annotation)]
    return found


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _shown(value: Any, field: FieldInfo | None) -> str:
    """A single value, on one line; "" for a table or list, and for what may be a secret."""
    if isinstance(value, (dict, list, tuple)) or (field is not None and not field.repr):
        return ""
    return _cut(str(value).lower() if isinstance(value, bool) else repr(value))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
