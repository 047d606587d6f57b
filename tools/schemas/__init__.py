"""JSON Schemas of everything the program writes as JSON, made from annotated classes.

What the stream of events and the transcript hold is read from ``echocli.types`` and
``echocli.events`` themselves. What a command builds as a dict is described by a ``TypedDict`` in
this package; tests hold the real output against it, unknown fields included.
"""
