"""No more inputs are read at once than may be open."""

from __future__ import annotations

import sys

import pytest

from echocli.api.ahead import EACH_OPENS, KEPT_OPEN, LOOK_AHEAD, look_ahead

pytestmark = pytest.mark.unit


def test_one_job_reads_nothing_ahead() -> None:
    assert look_ahead(1) == look_ahead(0) == 0
    assert look_ahead(None) == LOOK_AHEAD


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
@pytest.mark.parametrize(
    ("limit", "ahead"), [(KEPT_OPEN + 10 * EACH_OPENS, 10), (KEPT_OPEN - 1, 0)]
)
def test_the_limit_of_open_files_is_one_for_jobs(limit: int, ahead: int) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, before[1]))
    try:
        assert look_ahead(100_000) == ahead
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
