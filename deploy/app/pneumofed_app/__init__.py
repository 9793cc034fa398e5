"""What the coordinator pushes to nodes."""
