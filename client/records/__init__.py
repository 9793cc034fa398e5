"""Hash-chained records that a hospital keeps: the audit log and what it is built on."""
