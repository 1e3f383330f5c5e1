"""The web pages: a week of calendars, and the templates of the sign-in pages."""
