"""Programs that run a peer's library in a process of its own."""
