"""The merchant's settings page: server-rendered, in Finnish and English, and complete without JavaScript."""
