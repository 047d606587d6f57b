"""Voice activity: speech probability, and the state machine that makes spans of it."""
