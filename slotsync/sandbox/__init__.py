"""The local Google: a Calendar and OAuth server on the developer's machine."""
