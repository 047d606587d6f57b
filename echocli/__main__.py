"""Run ``python -m echocli``."""

from __future__ import annotations

from echocli.cli.entry import main

if __name__ == "__main__":
    main()
