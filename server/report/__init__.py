"""The report of a study: metrics, tables and plots on one page."""
