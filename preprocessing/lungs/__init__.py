"""Segments both lungs in every slice (2.3): as in the paper, or consistently along z."""
