"""Patient-level differential privacy: noisy steps, their accounting, and the ledger of privacy spent."""
