"""The controls under /sandbox: what a person or a test does to the local Google from outside."""
