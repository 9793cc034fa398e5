"""What crosses the socket between a hospital's two zones: the gRPC service, and weights in chunks."""
