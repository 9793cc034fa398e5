"""Prepares the studies of a hospital one by one: their patients, their outcomes, the workers."""
