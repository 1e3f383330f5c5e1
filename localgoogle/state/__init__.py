"""The state of the local Google: records, accounts, grants, channels, the call log, and the state file."""
