"""Strategies that combine weights: of the hospitals in a round, and of the rounds in a stage."""
