"""Google's Calendar API as its clients see it: discovery document, scopes, arguments, errors, JSON and times."""
