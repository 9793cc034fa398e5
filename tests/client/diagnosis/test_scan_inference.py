"""From patch outputs back to the scan's own pixels: worked by hand, and against the literal reference."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from client.diagnosis.scan_inference import infer_scan
from preprocessing.pipeline import PreparedScan
from shared_model.networks import LobeFeatures, LobeOutput
from tests.reference.scan import pixel_map
from tests.support.diagnosed_scans import diagnosed, scan_of

Where = tuple[slice, slice]


def patch(row: int, column: int) -> Where:
    return slice(row, row + 1), slice(column, column + 1)


EVERYWHERE: Where = (slice(None), slice(None))


class Blind(nn.Module):
    """Looks at nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.patch_features = nn.Identity()
        self.on_device = nn.Parameter(torch.zeros(0))  # a network's device is that of its parameters

    def extract(self, images: Tensor, distance: Tensor, *, fine: bool) -> LobeFeatures:
        return LobeFeatures(images, distance)


class Scripted(Blind):
    """Says of every lobe what it was told: which patches are infected; and of lobe i of a batch, logit i."""

    def __init__(self, *, coarse: Where, fine: Where) -> None:
        super().__init__()
        self.coarse, self.fine = coarse, fine

    def decide(self, features: LobeFeatures, *, fine: bool = False) -> LobeOutput:
        n = len(features.distance)
        attention = torch.full((n, 32, 32), 0.1)
        attention[:, 4, 9] = 0.9
        patches = _two_logits(n, 32, self.coarse), _two_logits(n, 128, self.fine) if fine else None
        return LobeOutput(torch.arange(n).float(), attention, *patches)


def _two_logits(n: int, count: int, infected: Where) -> Tensor:
    logits = torch.zeros(n, 2, count, count)
    logits[:, 1] = -1.0
    logits[:, 1, *infected] = 1.0
    return logits


def look(scan: PreparedScan, network: nn.Module):  # type: ignore[no-untyped-def]
    return infer_scan(scan, {"diseased": network, "covid": network}, dtype=torch.float32)


# Fine patch (64, 64) covers the crop's pixels [126, 132) both ways, coarse patch (0, 0) its first 22.
# Box 100 x 60 at (50, 30): unshrunk, its corner at (78, 98) of the crop, so crop pixel (y, x) is image pixel
# (y - 28, x - 68). Box 512 x 384 at (0, 100): halved, corner at (0, 32): (2y, 100 + 2 (x - 32)) and the next.
@pytest.mark.parametrize(
    ("box", "coarse", "fine", "rows", "columns"),
    [
        ((50, 30, 150, 90), EVERYWHERE, patch(64, 64), (98, 104), (58, 64)),
        ((50, 30, 150, 90), patch(16, 16), EVERYWHERE, (86, 122), (46, 82)),
        ((0, 100, 512, 484), EVERYWHERE, patch(64, 64), (252, 264), (288, 300)),
        ((0, 100, 512, 484), patch(0, 4), EVERYWHERE, (0, 44), (100, 144)),
    ],
)
def test_infection_lies_on_the_pixels_worked_out_by_hand(box, coarse, fine, rows, columns) -> None:  # type: ignore[no-untyped-def]
    scan = scan_of([(z, 0, box) for z in range(3)], (3, 512, 512))
    seen = look(scan, Scripted(coarse=coarse, fine=fine))
    expected = np.zeros((512, 512), bool)
    expected[slice(*rows), slice(*columns)] = True
    for image in seen.infected:
        assert np.argwhere(image != expected).size == 0
    assert seen.infected_pixels.tolist() == [expected.sum()] * 3


def test_nothing_outside_the_lobe_is_infected_and_ml_follow_from_spacing() -> None:
    scan = scan_of([(z, 1, (50, 30, 150, 90)) for z in range(3)], (3, 256, 256), (5.0, 0.8, 0.7))
    for lobe in scan.lobes:  # a slot of 40 pixels is no lung; the network's own mask does not know
        lobe.mask[50, :40] = False
    seen = look(scan, Scripted(coarse=EVERYWHERE, fine=patch(64, 64)))
    # Rows 98 .. 103, columns 58 .. 63; row 100 of the slot takes columns 30 .. 69 away.
    assert seen.infected_pixels.tolist() == [30, 30, 30]
    assert not seen.infected[:, 100].any()
    volume = diagnosed(scan, seen).infected_volume("left")
    assert volume.infected_ml == pytest.approx(3 * 30 * 5 * 0.8 * 0.7 / 1000)
    assert volume.lung_ml == pytest.approx(3 * (6000 - 40) * 5 * 0.8 * 0.7 / 1000)
    assert volume.percent == pytest.approx(100 * 30 / 5960)


def test_lobes_keep_their_order_over_batches() -> None:
    boxes = ((50, 30, 60, 60), (50, 120, 60, 150))
    scan = scan_of([(z, side, boxes[side]) for z in range(20) for side in (0, 1)], (20, 100, 160))
    seen = look(scan, Scripted(coarse=EVERYWHERE, fine=patch(64, 64)))
    assert seen.logits["diseased"].tolist() == [*range(32), *range(8)]


def test_attention_peaks_in_the_middle_of_its_patch() -> None:
    box = (50, 30, 250, 230)  # its corner at (28, 28) of the crop
    scan = scan_of([(z, 0, box) for z in range(2)], (2, 300, 300))
    attention = diagnosed(scan, look(scan, Scripted(coarse=EVERYWHERE, fine=EVERYWHERE))).attention(
        "diseased", 1
    )
    inside = np.zeros((300, 300), bool)
    inside[50:250, 30:230] = True
    assert (np.isnan(attention) == ~inside).all()
    # Patch (4, 9) is centred on crop pixels (35.5, 75.5): image (57.5, 77.5).
    assert np.argwhere(attention >= np.nanmax(attention)).mean(axis=0).tolist() == [57.5, 77.5]
    assert np.nanmax(attention) == pytest.approx(0.9 * (15 / 16) ** 2 + 0.1 * (1 - (15 / 16) ** 2), abs=1e-3)


class Drawn(Blind):
    """Random logits, the same for every lobe, with few infected patches."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(8)
        self.coarse = torch.randn(1, 2, 32, 32, generator=generator) - torch.tensor([0.0, 2.5]).view(
            1, 2, 1, 1
        )
        self.fine = torch.randn(1, 2, 128, 128, generator=generator) - torch.tensor([0.0, 2.0]).view(
            1, 2, 1, 1
        )

    def decide(self, features: LobeFeatures, *, fine: bool = False) -> LobeOutput:
        n = len(features.distance)
        return LobeOutput(
            torch.zeros(n), torch.full((n, 32, 32), 0.5), self.coarse.expand(n, -1, -1, -1),
            self.fine.expand(n, -1, -1, -1),
        )  # fmt: skip


def test_random_patches_against_the_literal_reference() -> None:
    network = Drawn()
    seen = look(scan_of([(z, 0, (20, 10, 220, 190)) for z in range(2)], (2, 240, 240)), network)
    coarse = np.array(pixel_map(network.coarse[0].softmax(0)[1].tolist(), 32, 36, 8, 14))
    fine = np.array(pixel_map(network.fine[0].softmax(0)[1].tolist(), 128, 6, 2, 2))
    # The box of 200 x 180 lies at (28, 38) of the crop.
    expected = ((coarse > 0.5) & (fine > 0.5))[28:228, 38:218]
    assert 0.05 < expected.mean() < 0.95
    for image in seen.infected:
        assert (image[20:220, 10:190] == expected).all()
        assert image.sum() == expected.sum()
