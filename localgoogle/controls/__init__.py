"""The controls under /sandbox: accounts, edits by hand, faults, switches and the call log, for people and tests."""
