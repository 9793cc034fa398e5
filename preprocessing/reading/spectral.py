"""What ImageType and SeriesDescription say of spectral (dual-energy) CT images (PS3.3 C.8.15.3.1.4)."""

import re

# Values that are no HU, whatever RescaleType says.
_MAPS = {"ELECTRON_DENSITY", "EFF_ATOMIC_NUM", "MAT_SPECIFIC", "MAT_FRACTIONAL", "MAT_VALUE_BASED", "ZEFF",
         "Z_EFFECTIVE", "IODINE_DENSITY", "RHO_Z", "EDW"}  # fmt: skip
_MAP_WORDS = re.compile(
    r"ELECTRON.?DENS|EFFECTIVE.?(Z|ATOMIC)|\bZ.?EFF|IODINE.?(DENSITY|MAP|NO.WATER)|RHO.?Z|URIC.?ACID"
)
# HU, but those of one photon energy, or without a material.
_VIRTUAL = {"VMI", "MONO", "MONOE", "MONO_E", "MONOENERGETIC", "MONOENERGETICPLUS", "VNC", "VUE",
            "MAT_REMOVED", "MAT_MODIFIED", "VIRTUAL", "ENERGY_PROP_WT"}  # fmt: skip
_VIRTUAL_WORDS = re.compile(r"\b\d{2,3}\s*KEV\b|MONO.?(E\b|ENERG)|\bVMI\b|\bVNC\b|VIRTUAL.?(NON|MONO)")


def is_spectral_map(image_type: tuple[str, ...], description: str) -> bool:
    """Whether an image shows a density or a material, by ImageType in capitals and SeriesDescription."""
    return bool(_MAPS & _words(image_type)) or bool(_MAP_WORDS.search(description.upper()))


def is_virtual(image_type: tuple[str, ...], description: str) -> bool:
    """Whether an image is computed for one photon energy, or as if a material were absent."""
    return bool(_VIRTUAL & _words(image_type)) or bool(_VIRTUAL_WORDS.search(description.upper()))


def _words(image_type: tuple[str, ...]) -> set[str]:
    return {value.replace(" ", "_").replace("-", "_") for value in image_type[2:]}
