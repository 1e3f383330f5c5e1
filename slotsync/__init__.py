"""What every part of slotsync shares: pure rules, the Google adapter, the store, the local Google."""
