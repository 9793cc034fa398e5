"""federation.toml, with every problem named."""

import pytest

from deploy.coordinator.settings import load_federation
from shared_model.errors import PneumofedError
from tests.support.coordinator_command import FEDERATION


def test_every_problem_of_the_file_is_named_at_once(tmp_path):
    path = tmp_path / "federation.toml"
    path.write_text('name = "L"\nhosts = ["https://x"]\nport = 0\nprot = 1\n[[hospitals]]\nname = "a b"\n')
    with pytest.raises(PneumofedError) as caught:
        load_federation(path)
    for words in (
        "`name` 'L': small letters, digits and '-' only",
        "first of `hosts` 'https://x': neither a host name nor an IP address",
        "`port` is 0, it must be above 0",
        "no setting `prot`, do you mean `port`?",
        "first of `hospitals`, `name` 'a b': small letters, digits and '-' only",
    ):
        assert words in str(caught.value)
    for change, word in (('name = "north"', "twice"), ("quorum = 3", "quorum")):
        old = 'name = "south"' if word == "twice" else "quorum = 2"
        path.write_text(FEDERATION.replace(old, change))
        with pytest.raises(PneumofedError, match=word):
            load_federation(path)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ('required = ["nobody"]', "nobody"),
        ("quorum = 2\n[notice]\nwaits_minutes = 1", "email or a webhook"),
        ('quorum = 2\n[notice]\nwebhook = "mailto:x"', "webhook"),
        ('quorum = 2\n[notice.email]\nto = ["a@b"]\nsender = "c@d"\nhost = "h"\nuser = "u"', "password_file"),
    ],
)
def test_what_cannot_be_required_or_told_is_named(tmp_path, change, word):
    path = tmp_path / "federation.toml"
    head, _, hospitals = FEDERATION.partition("[[hospitals]]")
    path.write_text(f"{head.replace('quorum = 2', '')}{change}\n[[hospitals]]{hospitals}")
    with pytest.raises(PneumofedError, match=word):
        load_federation(path)


def test_an_address_that_may_be_a_secret_is_not_repeated(tmp_path):
    path = tmp_path / "federation.toml"
    path.write_text(FEDERATION + '[notice]\nwebhook = "chat.example.org/s3cret"\n')
    with pytest.raises(PneumofedError, match="`notice.webhook`: write an address") as caught:
        load_federation(path)
    assert "s3cret" not in str(caught.value)


def test_required_hospitals_may_be_held_out_and_a_password_is_beside_the_file(tmp_path):
    path = tmp_path / "federation.toml"
    email = '[notice.email]\nto = ["a@b"]\nsender = "c@d"\nhost = "h"\nuser = "u"\npassword_file = "p"\n'
    path.write_text(FEDERATION.replace("quorum = 2", 'required = ["east"]') + email)
    federation = load_federation(path)
    assert federation.quorum is None and federation.required == ("east",)
    assert federation.notice.email.password_file == tmp_path / "p"
