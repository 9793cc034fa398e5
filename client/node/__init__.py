"""The network zone of a hospital: Flower's ClientApp, without torch or data."""
