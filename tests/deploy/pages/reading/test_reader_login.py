"""Readers log in by name and password, and are slowed down if they guess."""

from pathlib import Path

import pytest

from client.reading_room.accounts import Accounts
from client.reading_room.database import Database
from client.reading_room.login_throttle import FREE_BY_NAME
from deploy.pages.reading.reader_login import ReaderLogin
from shared_model.errors import PneumofedError
from tests.support.reading_room import PASSWORD


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    accounts = Accounts(Database(tmp_path))
    accounts.add("ada", PASSWORD)
    return accounts


def test_a_visitor_is_current_until_password_or_reader_change(accounts: Accounts) -> None:
    login = ReaderLogin(accounts, 60)
    visitor = login.visitor({"name": " ada ", "password": PASSWORD})
    assert visitor is not None and visitor.name == "ada" and login.is_current(visitor)
    accounts.set_password("ada", PASSWORD + "!")
    assert not login.is_current(visitor)
    again = login.visitor({"name": "ada", "password": PASSWORD + "!"})
    assert again is not None and login.is_current(again)
    accounts.remove("ada")
    assert not login.is_current(again)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"name": "ada"},
        {"password": PASSWORD},
        {"name": "ada", "password": "x" * 100_000},
        {"name": "x" * 100_000, "password": PASSWORD},
        {"token": PASSWORD},
    ],
)
def test_what_does_not_log_in(accounts: Accounts, fields: dict[str, str]) -> None:
    assert ReaderLogin(accounts, 60).visitor(fields) is None


def test_guessing_is_slowed_also_for_the_right_password(accounts: Accounts) -> None:
    login = ReaderLogin(accounts, 60)
    for number in range(FREE_BY_NAME + 1):
        assert login.visitor({"name": "ada", "password": f"wrong {number}"}) is None
    with pytest.raises(PneumofedError) as refusal:
        login.visitor({"name": "ada", "password": PASSWORD})
    assert refusal.value.code == "login-slowed"
