"""pacs.toml: paths beside the file, and wrong settings in one line."""

from pathlib import Path

import pytest

from client.pacs.pacs_settings import load_pacs_settings
from shared_model.errors import PneumofedError
from tests.support.pacs import write_settings


def test_paths_are_beside_the_file(tmp_path: Path) -> None:
    path = write_settings(tmp_path)
    path.write_text(path.read_text() + '\n[[listen.peers]]\nae_title = " CT1 "\naddress = "2001:0db8::1"\n')
    settings = load_pacs_settings(path)
    assert settings.inbox == tmp_path / "inbox" and settings.model == tmp_path / "model"
    assert settings.listen is not None and settings.listen.max_pdu_kb == 64
    assert [(one.ae_title, one.address) for one in settings.listen.peers] == [
        ("ORTHANC", "127.0.0.1"),
        ("CT1", "2001:db8::1"),
    ]


def test_the_password_s_file_is_beside_the_file_too(tmp_path: Path) -> None:
    path = tmp_path / "pacs.toml"
    path.write_text('[dicomweb]\nurl = "https://pacs/dicom-web/"\nuser = "u"\npassword_file = "secret"\n')
    web = load_pacs_settings(path).dicomweb
    assert (
        web is not None and web.password_file == tmp_path / "secret" and web.url == "https://pacs/dicom-web"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[deliver]\nmethod = "c-store"\n', "method c-store needs the table [c_store]"),
        ('[deliver]\nmethod = "stow-rs"\n', "method stow-rs needs the table [dicomweb]"),
        ('[listen]\naddress = "pacs.example"\npeers = []\n', "write an IP address"),
        ('[dicomweb]\nurl = "pacs/dicom-web"\n', "write http:// or https://"),
        ('[c_store]\ncalled_ae_title = "SEVENTEEN LETTERS"\naddress = "pacs"\n', "1 to 16 ASCII"),
        ("[listen]\n", "`listen.peers` is missing"),
        ('[dicomweb]\nurl = "https://pacs"\nuser = "u"\n', "`user` and `password_file` need each other"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "pacs.toml"
    path.write_text(text)
    with pytest.raises(PneumofedError) as caught:
        load_pacs_settings(path)
    assert caught.value.code == "pacs-settings-invalid" and said in str(caught.value)


def test_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(PneumofedError) as caught:
        load_pacs_settings(tmp_path / "pacs.toml")
    assert caught.value.code == "pacs-settings-missing"
