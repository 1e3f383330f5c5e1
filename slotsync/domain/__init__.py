"""Pure types and decisions: no input, no output, no clock."""
