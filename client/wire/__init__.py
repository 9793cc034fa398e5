"""What crosses the socket between a hospital's two zones: the service's definition, and weights in chunks."""
