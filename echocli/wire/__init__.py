"""The protocol of live sound between a client and the server, as ``docs/protocol.md`` says.

Values and their two forms, text and bytes: nothing here waits, reads a clock or knows of sockets.
Both ends import it, and nothing else of each other.
"""
