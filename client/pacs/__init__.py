"""A hospital's PACS: studies come in, results go back."""
