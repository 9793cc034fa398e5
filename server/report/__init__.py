"""What came of a study: tables, figures, one page."""
