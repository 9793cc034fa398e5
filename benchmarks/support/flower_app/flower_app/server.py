"""Flower's FedAvg with its defaults: all nodes train, then all evaluate. Records when each round ended."""

import time
from pathlib import Path

from flwr.app import Array, ArrayRecord, Context
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg
from safetensors.numpy import load_file

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """`weights`: a safetensors file of initial weights; `times`: file to which each round appends a line."""
    settings = context.run_config
    weights = load_file(str(settings["weights"]))
    nodes = int(settings["nodes"])

    def note(round: int, arrays: ArrayRecord) -> None:
        with Path(str(settings["times"])).open("a") as file:
            file.write(f"{time.time()}\n")

    FedAvg(min_train_nodes=nodes, min_evaluate_nodes=nodes, min_available_nodes=nodes).start(
        grid,
        ArrayRecord({name: Array(array) for name, array in weights.items()}),
        num_rounds=int(settings["rounds"]),
        evaluate_fn=note,
    )
