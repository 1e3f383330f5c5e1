"""What the local Google remembers: records, accounts, grants, channels, the call log, and the file that keeps them."""
