"""EchoCLI: speech to text on this machine, that keeps its word under load."""

from __future__ import annotations

__version__ = "0.1.0"
