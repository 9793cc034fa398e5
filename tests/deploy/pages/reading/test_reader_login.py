"""Readers log in by name and password, and are slowed down if they guess."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from client.reading_room.accounts import Accounts, Reader
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


def test_guesses_at_once_are_slowed_like_one_after_the_other(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    login, looked_at, log_in = ReaderLogin(accounts, 60), [], accounts.log_in

    def noted(name: str, password: str) -> Reader | None:
        looked_at.append(password)
        return log_in(name, password)

    monkeypatch.setattr(accounts, "log_in", noted)

    def guess(number: int) -> str:
        try:
            assert login.visitor({"name": "ada", "password": f"wrong {number}"}) is None
        except PneumofedError as slowed:
            return slowed.code
        return "looked at"

    with ThreadPoolExecutor(16) as pool:
        said = list(pool.map(guess, range(16)))
    # Where hashing is slow, a wait of 2 s may end before all have come.
    assert len(looked_at) == said.count("looked at") <= FREE_BY_NAME + 2 and "login-slowed" in said
