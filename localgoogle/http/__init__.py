"""HTTP: from a request to the API's method and back, and notifications that are sent out."""
