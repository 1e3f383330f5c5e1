"""Products and resources, their settings, their managed calendars, and permits to create those."""
