"""What is wrong in a settings file is said in words, at its place, with the setting that was meant."""

from typing import Any, Literal

import pytest
from pydantic import Field, ValidationError

from shared_model.settings_file import FrozenSettings
from shared_model.settings_problems import problems_in_words


class Site(FrozenSettings):
    name: str = Field("x", min_length=1, description="Of a site.")
    role: Literal["training", "held-out"] = "training"
    device: str = Field("cpu", pattern="^(cpu|cuda)$", description="'cpu' or 'cuda'.")


class Mail(FrozenSettings):
    port: int = 25
    password: str = Field("", max_length=8, repr=False)


class Settings(FrozenSettings):
    port: int = Field(gt=0)
    share: float = 0.5
    on: bool = True
    user: int | list[int] = 1
    hosts: tuple[str, ...] = ()
    paths: tuple[str, ...] = Field((), min_length=1)
    sites: tuple[Site, ...] = ()
    mail: Mail | None = None


def words(document: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as error:
        Settings.model_validate(document)
    return problems_in_words(error.value, Settings, document)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, "`port` is missing"),
        ({"port": -1}, "`port` is -1, it must be above 0"),
        ({"port": "x"}, "`port` is 'x', it must be a whole number"),
        ({"port": 1, "share": "y"}, "`share` is 'y', it must be a number"),
        ({"port": 1, "on": "maybe"}, "`on` is 'maybe', it must be true or false"),
        ({"port": 1, "portt": 2}, "no setting `portt`, do you mean `port`?"),
        ({"port": 1, "zebra": 2}, "no setting `zebra`"),
        ({"port": 1, "hosts": "a"}, "`hosts` is 'a', it must be a list in [ ]"),
        ({"port": 1, "hosts": ["a", 2]}, "second of `hosts` is 2, it must be text in quotes"),
        ({"port": 1, "mail": {"prot": 1}}, "no setting `prot` in `mail`, do you mean `port`?"),
        ({"port": 1, "mail": {"port": 1.5}}, "`mail.port` is 1.5, it must be a whole number"),
        (
            {"port": 1, "mail": {"password": "s3cret-123"}},
            "`mail.password`: it must be at most 8 characters long",
        ),
        (
            {"port": 1, "sites": [{}, {"name": "b", "role": "heldout"}]},
            "second of `sites` ('b'), `role` is 'heldout', it must be 'training' or 'held-out'",
        ),
        (
            {"port": 1, "sites": [{"name": "b", "rol": "training"}]},
            "no setting `rol` in first of `sites` ('b'), do you mean `role`?",
        ),
        ({"port": 1, "sites": [{"device": "gpu"}]}, "first of `sites`, `device` 'gpu': 'cpu' or 'cuda'"),
        (
            {"port": 1, "sites": [{}] * 10 + [{"role": 1}]},
            "number 11 of `sites`, `role` is 1, it must be 'training' or 'held-out'",
        ),
        ({"port": 1, "paths": []}, "`paths`: it must be a list of at least 1"),
        ({"port": 1, "paths": [3]}, "first of `paths` is 3, it must be text in quotes"),
        ({"port": 1, "sites": [1]}, "first of `sites` is 1, it must be a table"),
    ],
)
def test_each_problem_has_its_words(document: dict[str, Any], expected: str) -> None:
    assert words(document) == expected


def test_a_value_of_several_types_is_one_place_and_nothing_is_unprintable_or_long() -> None:
    found = words({"port": 1, "user": "me"})
    assert found == "`user` is 'me', it must be a whole number; `user` is 'me', it must be a list in [ ]"
    found = words({"port": "\x1b[2J" + "x" * 500, "\x1b[1m": 2})
    assert found.isprintable() and len(found) < 200
