"""What a hospital says of itself: nothing but a role, fingerprints and counts."""

import json

import pytest

from shared_model.protocol import MOST_SCANS, SiteDescription, is_code

NONE = dict.fromkeys(("healthy", "covid", "other"))
COUNTS = {"train": NONE | {"covid": 12, "healthy": 30}, "validation": NONE, "test": NONE | {"covid": 10}}
VERSIONS = {"trainer": "0.1.0", "preprocessing": "9"}
DESCRIPTION = SiteDescription("training", "s1", "p1", 10, COUNTS, VERSIONS)


def test_a_description_is_the_same_after_its_text():
    assert SiteDescription.from_text(DESCRIPTION.to_text()) == DESCRIPTION
    assert json.loads(DESCRIPTION.to_text()) == {
        "role": "training", "study": "s1", "store": "p1", "count_floor": 10, "counts": COUNTS,
        "versions": VERSIONS,
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
        {"counts": COUNTS | {"all": NONE}},
        {"counts": COUNTS | {"train": NONE | {"covid": 9}}},
        {"counts": COUNTS | {"train": NONE | {"covid": 0}}},
        {"role": "held-out"},
        {"count_floor": 0},
        {"store": "\x1b[31m"},
        {"study": 1},
        {"versions": {"patient": "Doe"}},
        {"versions": {"flwr": "1.42 Doe^Jane"}},
        {"versions": None},
    ],
)
def test_a_description_holds_nothing_else(change):
    document = json.loads(DESCRIPTION.to_text()) | change
    with pytest.raises(ValueError, match="hospital's role|whole number|has the fields|fingerprint|versions"):
        SiteDescription.from_text(json.dumps(document))
    if change.keys() <= document.keys() - {"patients"}:
        with pytest.raises(ValueError, match="hospital's role|whole number|fingerprint|versions"):
            SiteDescription(**document)


@pytest.mark.parametrize("text", ["[]", "null", "{", '{"role": "training"}'])
def test_other_texts_are_no_description(text):
    with pytest.raises(ValueError):  # noqa: PT011  as of json or ours
        SiteDescription.from_text(text)


def test_the_say_is_the_sum_of_the_training_patients_told_of():
    assert DESCRIPTION.told("covid") == 12 and DESCRIPTION.told("diseased") == 42


def test_patients_are_told_of_over_all_splits_as_far_as_each_tells_them():
    assert [DESCRIPTION.patients(label) for label in NONE] == [30, 22, None]
    assert all(DESCRIPTION.hides(label) for label in NONE)
    open_site = SiteDescription("held-out", "s1", "p1", 1, {"all": NONE | {"covid": 3}})
    assert [open_site.patients(label) for label in NONE] == [0, 3, 0]
    assert not any(open_site.hides(label) for label in NONE)


def test_a_code_is_words_with_hyphens():
    assert is_code("disk-full") and not is_code(None)
    assert not any(map(is_code, ["", "a", "Disk-full", "disk full", "/data/Doe", "x" * 49, "disk-full\n"]))
