"""A hospital's hash-chained records: the chained log, and the audit log built on it."""
