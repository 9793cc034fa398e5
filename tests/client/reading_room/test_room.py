"""What a reader may see of a study, and when."""

from pathlib import Path

import pytest

from client.reading_room.reading_log import Answer
from client.reading_room.room import ReadingRoom
from shared_model.errors import PneumofedError
from tests.support.reading_room import WrittenRoom


def test_a_blinded_room_shows_the_model_to_who_has_answered(tmp_path: Path) -> None:
    written = WrittenRoom(tmp_path)
    name, other = written.arrive(1), written.arrive(2)
    for one in (name, other):
        written.diagnose(one)
    room = written.open()
    assert not room.may_see_model("ada", name)
    with pytest.raises(PneumofedError) as refusal:
        room.check_may_see_model("ada", name)
    assert refusal.value.code == "blinded"
    room.open("ada", room.study(name))
    assert not room.may_see_model("ada", name)
    room.answer("ada", name, Answer("covid", 4))
    room.check_may_see_model("ada", name)
    assert not room.may_see_model("bob", name) and not room.may_see_model("ada", other)
    written.diagnose(name, weights="x" * 64)
    assert not room.may_see_model("ada", name)  # another model is another reading
    room.answer("ada", name, Answer("covid", 4))
    assert [one.blinded for one in room.log.all()] == [True, False]


def test_what_an_open_room_showed_is_not_blinded_later(tmp_path: Path) -> None:
    written = WrittenRoom(tmp_path, blinded=False)
    shown, new = written.arrive(1), written.arrive(2)
    written.diagnose(shown)
    room = written.open()
    assert room.may_see_model("ada", shown)
    room.reading_list("bob")  # by anybody
    changed = {"read": written.settings.read.model_copy(update={"blinded": True})}
    later = ReadingRoom(written.settings.model_copy(update=changed))
    written.diagnose(new)
    for name in (shown, new):
        assert not later.may_see_model("ada", name)
        later.answer("ada", name, Answer("covid", 4))
    assert [one.blinded for one in later.log.all()] == [False, True]


def test_what_a_program_fetched_from_an_open_room_is_not_blinded_later(tmp_path: Path) -> None:
    written = WrittenRoom(tmp_path, blinded=False)
    name = written.arrive(1)
    written.diagnose(name)
    written.open().check_may_see_model("ada", name)  # as the API does, without list or page
    changed = {"read": written.settings.read.model_copy(update={"blinded": True})}
    later = ReadingRoom(written.settings.model_copy(update=changed))
    later.answer("ada", name, Answer("covid", 4))
    assert [one.blinded for one in later.log.all()] == [False]


def test_what_is_not_diagnosed_is_not_answered(tmp_path: Path) -> None:
    written = WrittenRoom(tmp_path)
    name, room = written.arrive(1), written.open()
    for action in (
        lambda: room.answer("ada", name, Answer("covid", 4)),
        lambda: room.agree("ada", name, agrees=True, remark=""),
    ):
        with pytest.raises(PneumofedError) as refusal:
            action()
        assert refusal.value.code == "not-diagnosed"
    with pytest.raises(PneumofedError) as refusal:
        room.may_see_model("ada", "nothing")
    assert refusal.value.code == "not-found"


def test_the_mark_changes_with_own_answers_and_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.reading_room.room.MARK_S", 0.0)
    written = WrittenRoom(tmp_path)
    name = written.arrive(1)
    written.diagnose(name)
    room = written.open()
    first = room.mark("ada")
    assert room.mark("ada") == first
    room.answer("bob", name, Answer("covid", 4))
    assert room.mark("ada") == first
    room.answer("ada", name, Answer("covid", 4))
    second = room.mark("ada")
    assert second != first
    written.arrive(2)
    assert room.mark("ada") != second
