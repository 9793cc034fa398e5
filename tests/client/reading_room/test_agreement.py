"""Which readings are compared with which; the figures themselves are tested in test_kappa.py."""

from sklearn.metrics import cohen_kappa_score

from client.reading_room.agreement import between_readers, with_models
from tests.support.reading_room import reading_of

MODEL, OTHER_MODEL = "tiny, weights w, card c", "tiny, weights w2, card c"
READINGS = [
    reading_of("ada", "a", "covid"),
    reading_of("ada", "b", "other"),
    reading_of("ada", "c", "healthy", model_label="healthy"),
    reading_of("ada", "d", "healthy", model_label="healthy", made_of="g w c"),
    reading_of("ada", "e", "healthy", blinded=False),
    reading_of("ada", "a", "healthy", blinded=False, made_of="f w2 c", weights_sha256="w2"),
    reading_of("bob", "a", "covid"),
    reading_of("bob", "b", "covid"),
    reading_of("bob", "c", "other", model_label="healthy", weights_sha256="w2", made_of="f w2 c"),
    reading_of("bob", "d", "healthy", model_label="healthy"),  # of other images than ada's
    reading_of("bob", "e", "healthy"),
]


def test_each_reader_with_each_model_from_blinded_readings() -> None:
    found = {(one.first, one.second): one for one in with_models(READINGS)}
    assert set(found) == {
        ("ada", "tiny, weights w, card c"),
        ("bob", "tiny, weights w, card c"),
        ("bob", "tiny, weights w2, card c"),
    }
    ada = found["ada", MODEL]
    said, model = ["covid", "other", "healthy", "healthy"], ["covid", "covid", "healthy", "healthy"]
    assert (ada.classes.n, ada.classes.agreed) == (4, 3)
    assert ada.classes.value == cohen_kappa_score(said, model)
    assert (ada.diseased.n, ada.diseased.agreed, ada.diseased.value) == (4, 4, 1.0)
    assert ada.table["other"] == {"healthy": 0, "covid": 1, "other": 0}
    assert found["bob", OTHER_MODEL].classes.value == 0.0


def test_two_readers_on_the_same_images_whatever_the_model() -> None:
    (pair,) = between_readers(READINGS)
    assert (pair.first, pair.second) == ("ada", "bob")
    assert (pair.classes.n, pair.classes.agreed) == (3, 1)
    assert pair.table["healthy"] == {"healthy": 0, "covid": 0, "other": 1}


def test_none_is_no_figure() -> None:
    assert with_models([]) == between_readers([]) == []
    (pair,) = between_readers([reading_of("ada", "a"), reading_of("bob", "b")])
    assert pair.classes.undefined == "no scan was rated by both"
