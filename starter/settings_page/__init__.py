"""The merchant's settings page: rendered by the server, in Finnish and English, fully usable without JavaScript."""
