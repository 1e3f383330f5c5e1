"""Write and delete events in Google. Every write may be repeated."""
