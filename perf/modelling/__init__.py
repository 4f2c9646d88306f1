"""Models behind an API: a server that does everything wrong, and what is measured against it."""
