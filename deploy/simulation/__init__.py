"""A whole federation on one machine: Flower Grids that carry messages to hospitals without a network."""
