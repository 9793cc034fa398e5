"""The coordinator: rounds, admission, aggregation, report. It cannot read patient data."""
