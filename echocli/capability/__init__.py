"""What this machine is and what suits it."""
