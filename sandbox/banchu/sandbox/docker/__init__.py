"""The Docker tier: a warm container per slot, with the same cell inside."""
