"""The only code through which workflows reach the world: one capability in each file."""
