"""The Google adapter: the only code that talks to Google."""
