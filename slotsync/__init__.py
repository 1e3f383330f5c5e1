"""The code that all parts share: domain, busy times, the Google adapter, the store, and the connection to Temporal."""
