"""Ways to combine the hospitals' weights: pure functions, one a file."""
