"""Words of Temporal's visibility queries."""


def quoted(text: str) -> str:
    """The text as a value in a query, whatever is in it."""
    escaped = text.replace("'", "''")
    return f"'{escaped}'"
