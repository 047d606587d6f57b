"""What a model has to say of turns where nobody else asks it."""

from __future__ import annotations


class Alone:
    """Answer at once; see :class:`~echocli.runtime.guest.Guest` for one of several."""

    @property
    def waited(self) -> float:
        """No time: nobody else asks."""
        return 0.0

    def take_back(self) -> None:
        """Do nothing: nobody waits for a turn here."""
