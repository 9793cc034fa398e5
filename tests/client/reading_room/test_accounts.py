"""Readers and their passwords."""

import hashlib
from base64 import b64decode
from pathlib import Path

import pytest

from client.reading_room.accounts import Accounts
from client.reading_room.database import DATABASE, Database
from shared_model.errors import PneumofedError

PASSWORD = "kanarienvogel 7"


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    return Accounts(Database(tmp_path))


def code(action: object, *values: str) -> str:
    with pytest.raises(PneumofedError) as refusal:
        action(*values)  # type: ignore[operator]
    return refusal.value.code


def test_only_the_right_password_of_a_reader_logs_in(accounts: Accounts) -> None:
    accounts.add("ada", PASSWORD)
    reader = accounts.log_in("ada", PASSWORD)
    assert reader is not None and reader == accounts.find("ada") and reader.name == "ada"
    for name, password in (
        ("ada", PASSWORD + " "),
        ("ada", ""),
        ("Ada", PASSWORD),
        ("bob", PASSWORD),
        ("", ""),
    ):
        assert accounts.log_in(name, password) is None


def test_a_password_is_kept_as_a_salted_scrypt_hash(accounts: Accounts, tmp_path: Path) -> None:
    for name in ("ada", "bob"):
        accounts.add(name, PASSWORD)
    with Database(tmp_path).reading() as connection:
        kept = [row["password"] for row in connection.execute("SELECT password FROM readers")]
    assert len(set(kept)) == 2
    kind, n, r, p, salt, found = kept[0].split("$")
    assert (kind, n, r, p, len(b64decode(salt))) == ("scrypt", "32768", "8", "1", 16)
    expected = hashlib.scrypt(
        PASSWORD.encode(), salt=b64decode(salt), n=2**15, r=8, p=1, maxmem=2**26, dklen=32
    )
    assert b64decode(found) == expected
    assert PASSWORD.encode() not in b"".join(path.read_bytes() for path in tmp_path.glob(f"{DATABASE}*"))


def test_a_removed_reader_comes_back_by_name(accounts: Accounts) -> None:
    accounts.add("ada", PASSWORD)
    before = accounts.find("ada")
    accounts.remove("ada")
    assert accounts.find("ada") is None and accounts.log_in("ada", PASSWORD) is None
    assert accounts.readers() == []
    accounts.add("ada", "another password")
    assert accounts.log_in("ada", "another password") is not None
    after = accounts.find("ada")
    assert before is not None and after is not None and after.stamp != before.stamp


def test_a_new_password_is_another_stamp(accounts: Accounts) -> None:
    accounts.add("ada", PASSWORD)
    before = accounts.find("ada")
    accounts.set_password("ada", PASSWORD)  # the same one again, with another salt
    after = accounts.find("ada")
    assert before is not None and after is not None and after.stamp != before.stamp


def test_what_is_refused(accounts: Accounts) -> None:
    accounts.add("ada", PASSWORD)
    assert code(accounts.add, "ada", PASSWORD) == "reader-exists"
    for name in ("", "a b", "-x", "ä", "a/b", "x" * 64, "a\n"):
        assert code(accounts.add, name, PASSWORD) == "reader-name-invalid"
    for password in ("", "123456789", "x" * 201, "my ADA password"):
        assert code(accounts.set_password, "ada", password) == "password-weak"
    assert code(accounts.add, "bob", "short") == "password-weak"
    assert code(accounts.remove, "bob") == code(accounts.set_password, "bob", PASSWORD) == "reader-unknown"
