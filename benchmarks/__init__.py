"""Repeatable measurements: `python -m benchmarks.NAME --json`.

`python -m benchmarks.results store NAME FILE` keeps what such a run printed in benchmarks/results/ and writes
benchmarks/RESULTS.md anew.
"""
