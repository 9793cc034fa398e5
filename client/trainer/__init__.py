"""The data zone of a hospital: a resident service with data and GPU, without a network interface."""
