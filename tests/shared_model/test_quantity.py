"""One thing is not several."""

from shared_model.quantity import quantity


def test_only_one_is_singular() -> None:
    assert [quantity(count, "round") for count in (0, 1, 2)] == ["0 rounds", "1 round", "2 rounds"]
    assert [quantity(count, "study") for count in (0, 1, 2)] == ["0 studies", "1 study", "2 studies"]
    assert quantity(2, "day") == "2 days"
