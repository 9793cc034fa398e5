"""The reading room without its pages: uploads, readers, what they see and said of a study."""
