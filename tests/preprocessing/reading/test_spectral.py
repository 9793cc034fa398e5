"""Spectral images are told by ImageType, or else by the description."""

import pytest

from preprocessing.reading.spectral import is_spectral_map, is_virtual

PLAIN = ("ORIGINAL", "PRIMARY", "AXIAL")


@pytest.mark.parametrize(
    ("image_type", "description", "expected"),
    [
        (PLAIN, "Thorax 1.0 B70f", (False, False)),
        ((*PLAIN, "CT_SOM5 SPI"), "Chest, 120 kV", (False, False)),
        ((*PLAIN, "VMI"), "", (False, True)),
        ((*PLAIN, "MONOENERGETIC"), "", (False, True)),
        (PLAIN, "Chest MonoE 40keV", (False, True)),
        (PLAIN, "VNC lung", (False, True)),
        ((*PLAIN, "ELECTRON_DENSITY"), "", (True, False)),
        ((*PLAIN, "ELECTRON DENSITY"), "", (True, False)),
        (PLAIN, "Electron Density", (True, False)),
        (PLAIN, "Z Effective", (True, False)),
        ((*PLAIN, "MAT_SPECIFIC"), "Iodine", (True, False)),
    ],
)
def test_maps_and_virtual_images(
    image_type: tuple[str, ...], description: str, expected: tuple[bool, bool]
) -> None:
    assert (is_spectral_map(image_type, description), is_virtual(image_type, description)) == expected
