"""What all parties of the federation agree on."""
