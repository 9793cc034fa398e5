"""Putting the parts together: the root command, the demo, the engines."""
