"""The client of ``echocli serve``: sound and files go to another machine, and survive the way."""
