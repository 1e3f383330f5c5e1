"""Events in Google: written and deleted safely however often."""
