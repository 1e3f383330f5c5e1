"""The Google adapter: everything that talks to Google Calendar, with its errors in our own words.

``GoogleServices`` (service) gives each thread its own client for a connection; ``GoogleEvents`` (events) and
``GoogleCalendars`` (calendars) do the work; ``classify`` (errors) says what went wrong. Nothing is retried in here.
"""
