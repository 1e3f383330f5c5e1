"""Products and resources, their settings and their managed calendars."""
