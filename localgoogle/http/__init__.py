"""HTTP: requests to the methods of the API and back, and push notifications."""
