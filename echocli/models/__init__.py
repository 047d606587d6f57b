"""Which models exist, where they are and whether they are whole."""
