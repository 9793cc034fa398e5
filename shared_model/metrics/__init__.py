"""Figures that hospitals can add up: counts and histograms of scores, and what follows from them.

No row about a scan leaves a hospital; a histogram of scores per label does, and histograms add.
"""
