"""A training step and inference: ours against the eager float32 network, in one process.

`python -m benchmarks.network [--json] [--width W] [--rounds N]`

The plain network convolves whole crops in float32, channels first; ours is what `client/` runs: black borders
skipped, channels last, bfloat16 if the device computes in it. Same weights, lobes of phantoms, losses and
optimiser, in turns; the shortest time of each counts. On a GPU if there is one.

train_ratio      plain / ours, one step of the paper's batch: 6 scans x 10 lobes, all losses of stage 1
inference_ratio  plain / ours, both networks over the first scan, fine map included
loader_ratio     step / time to load the lobes of a step
tflops           TFLOP/s of a step and of inference, with skipped borders counted as computed
difference       largest difference of both networks' lobe probabilities in the scan
peak_gb          peak memory of our step: the GPU's; without one the peak of this process until then
matmul_tflops    TFLOP/s of a large bfloat16 product on the GPU: an upper bound of `tflops`
"""

import argparse
import tempfile
from pathlib import Path

import torch

from benchmarks.support.network_comparison import Comparison, phantom_store
from benchmarks.support.result import print_result
from client.learning.activation_dtype import activation_dtype
from client.learning.malloc_settings import keep_freed_memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--width", type=float, default=1.0, help="width factor of the network")
    parser.add_argument("--rounds", type=int, default=2, help="turns of each, after one to warm up")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    keep_freed_memory()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dtype = activation_dtype("bfloat16", device)
    with tempfile.TemporaryDirectory() as name:
        store = phantom_store(Path(name))
        figures = Comparison(store, chosen.width, device, dtype).measure(chosen.rounds)
    settings = {"width": chosen.width, "rounds": chosen.rounds, "device": str(device), "ours": str(dtype)}
    print_result(figures, settings, as_json=chosen.json)


if __name__ == "__main__":
    main()
