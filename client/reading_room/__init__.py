"""The reading room without its pages: readers, what they may see of a study, and what they said of it."""
