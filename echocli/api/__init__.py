"""The Python API: what the commands are made of.

Everything is imported when it is first asked for, so that ``import echocli`` costs nothing. See
``docs/guides/python.md``.
"""

from __future__ import annotations
