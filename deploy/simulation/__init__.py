"""A whole federation on one machine: grids that carry messages to hospitals without a network."""
