"""What an event is: its body, times, recurrence and versions, how it is found and how it is shown."""
