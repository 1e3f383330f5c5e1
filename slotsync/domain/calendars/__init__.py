"""Calendar owners (products and resources), their settings and their managed calendars."""
