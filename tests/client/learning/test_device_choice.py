"""The device asked for or an error; a GPU only where there is one."""

import pytest
import torch

from client.learning.device_choice import choose_device
from shared_model.errors import PneumofedError


@pytest.mark.parametrize("there", [True, False])
def test_auto_is_the_gpu_where_there_is_one(monkeypatch, there):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert choose_device("auto").type == ("cuda" if there else "cpu")


def test_the_processor_is_always_there():
    assert choose_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["cuda:99", "gpu", "cuda:x", ""])
def test_a_device_that_is_not_there_is_an_error_with_the_words_to_use(name):
    with pytest.raises(PneumofedError) as caught:
        choose_device(name)
    assert caught.value.code == "no-device" and "cpu, cuda or auto" in str(caught.value)


@pytest.mark.gpu
def test_the_gpu_by_name_is_that_one():
    assert choose_device("cuda:0") == torch.device("cuda:0") and choose_device("auto").type == "cuda"
