"""Events: body, times, recurrence, versions, lookup and JSON."""
