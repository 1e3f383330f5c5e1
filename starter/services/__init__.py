"""The use cases that client, API, settings page and command line share."""
