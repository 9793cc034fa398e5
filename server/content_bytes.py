"""How many bytes a message holds."""

from flwr.app import RecordDict


def content_bytes(content: RecordDict) -> int:
    """The bytes of arrays and texts in a message; its few numbers and names are not counted."""
    arrays = (array for record in content.array_records.values() for array in record.values())
    values = (value for record in content.config_records.values() for value in record.values())
    texts = (value for value in values if isinstance(value, str | bytes))
    return sum(len(array.data) for array in arrays) + sum(map(len, texts))
