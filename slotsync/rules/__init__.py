"""The rules of syncing: pure types and functions, free of any input or output."""
