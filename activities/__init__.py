"""Activities, through which alone workflows reach the world: one capability in each file."""
