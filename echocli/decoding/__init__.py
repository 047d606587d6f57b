"""From spans to windows to hypotheses to segments; pure, no I/O."""
