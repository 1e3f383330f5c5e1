"""The demo: real bookings, from booked to cancelled, and Google's calendars compared with them."""
