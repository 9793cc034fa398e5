"""What the benchmarks share: measurements, baselines, stubs, and how a result is kept."""
