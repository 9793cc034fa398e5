"""One item is read while the last one is used; never more."""

import threading

import pytest

from client.learning.read_ahead import read_ahead


def test_results_come_in_order_and_one_at_most_is_read_ahead():
    begun: list[int] = []

    def read(item: int) -> int:
        begun.append(item)
        return item * item

    most_ahead = 0
    for number, result in enumerate(read_ahead(read, range(20))):
        assert result == number * number
        most_ahead = max(most_ahead, len(begun) - number - 1)
    assert most_ahead <= 1 and begun == list(range(20))


def test_the_next_item_is_read_beside_the_use_of_this_one():
    used = threading.Event()

    def read(item: int) -> int:
        if item == 1:
            assert used.wait(10)  # set only while item 0 is used: reading it after that would not end
        return item

    results = read_ahead(read, [0, 1])
    assert next(results) == 0
    used.set()
    assert list(results) == [1]


def test_nothing_to_read_gives_nothing():
    assert list(read_ahead(str, [])) == []


def test_an_error_comes_when_its_result_is_due():
    def read(item: int) -> int:
        return 1 // item

    results = read_ahead(read, [1, 0, 1])
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_closing_early_reads_no_further():
    begun: list[int] = []
    results = read_ahead(begun.append, range(10))
    next(results)
    results.close()
    assert begun == [0, 1]
