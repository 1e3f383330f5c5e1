"""The web pages of the local Google: a week of calendars, and the templates of the sign-in pages."""
