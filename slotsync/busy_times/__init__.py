"""The poller: one reading of an account's busy times serves all its products, in all processes."""
