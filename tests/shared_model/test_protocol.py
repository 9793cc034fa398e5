"""What a hospital says of itself: nothing but a role, fingerprints and counts."""

import json

import pytest

from shared_model.protocol import MOST_SCANS, SiteDescription, is_code

NONE = {"healthy": 0, "covid": 0, "other": 0}
COUNTS = {"train": NONE | {"covid": 12, "other": None}, "validation": NONE, "test": NONE, "all": NONE}
DESCRIPTION = SiteDescription("training", "s1", "p1", 10, COUNTS)


def test_a_description_is_the_same_after_its_text():
    assert SiteDescription.from_text(DESCRIPTION.to_text()) == DESCRIPTION
    assert json.loads(DESCRIPTION.to_text()) == {
        "role": "training", "study": "s1", "store": "p1", "count_floor": 10, "counts": COUNTS,
    }  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"patients": ["Doe^Jane"]},
        {"role": "observer"},
        {"count_floor": -1},
        {"count_floor": True},
        {"counts": COUNTS | {"train": NONE | {"covid": MOST_SCANS + 1}}},
        {"counts": COUNTS | {"train": NONE | {"covid": "12"}}},
        {"counts": COUNTS | {"train": NONE | {"influenza": 1}}},
        {"counts": {"train": NONE}},
    ],
)
def test_a_description_holds_nothing_else(change):
    document = json.loads(DESCRIPTION.to_text()) | change
    with pytest.raises(ValueError, match="hospital's role|whole numbers|has the fields"):
        SiteDescription.from_text(json.dumps(document))
    if change.keys() <= document.keys() - {"patients"}:
        with pytest.raises(ValueError, match="hospital's role|whole numbers"):
            SiteDescription(**document)


@pytest.mark.parametrize("text", ["[]", "null", "{", '{"role": "training"}'])
def test_other_texts_are_no_description(text):
    with pytest.raises(ValueError):  # noqa: PT011  as of json or ours
        SiteDescription.from_text(text)


def test_a_suppressed_count_may_be_one_below_the_floor():
    assert DESCRIPTION.most_scans("covid") == 12 + 9


def test_a_code_is_words_with_hyphens():
    assert is_code("disk-full") and not is_code(None)
    assert not any(map(is_code, ["", "a", "Disk-full", "disk full", "/data/Doe", "x" * 49, "disk-full\n"]))
