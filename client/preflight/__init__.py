"""Checks before a hospital joins: its machine, its files, its connection to the coordinator."""
