"""The reading room without its pages: uploads, readers, what they may see of a study, what they said of it."""
