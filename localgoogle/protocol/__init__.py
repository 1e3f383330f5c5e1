"""What Google's Calendar API looks like from outside: discovery document, arguments, errors, JSON and times."""
