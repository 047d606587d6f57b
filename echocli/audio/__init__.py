"""Sound in: bounded blocks of 16 kHz mono float32, counted in samples."""
