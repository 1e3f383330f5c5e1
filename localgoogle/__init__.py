"""The local Google: a Calendar and OAuth server for the developer's machine. It imports no other package of ours."""
