"""What the local Google does wrong on request, and the quotas that it enforces."""
