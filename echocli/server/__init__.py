"""The server: HTTP and WebSockets around the same core as the command line.

Nothing about decoding, live sessions, the ladder or failover is here; a request and a session are
guests of :mod:`echocli.api.hosting`. See ``docs/guides/server.md`` and ``docs/protocol.md``.
"""

from __future__ import annotations
