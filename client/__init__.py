"""One hospital: training, diagnosis and the node that speaks for it."""
