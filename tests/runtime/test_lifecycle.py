from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest

from echocli.errors import ModelError
from echocli.runtime.lifecycle import INIT_TIMEOUT, WAIT_TIMEOUT, Lifecycle, State

pytestmark = pytest.mark.unit

MANY = 16

PATHS: dict[State, list[State]] = {
    State.UNINITIALIZED: [],
    State.LOADING: [State.LOADING],
    State.WARMING_UP: [State.LOADING, State.WARMING_UP],
    State.READY: [State.LOADING, State.WARMING_UP, State.READY],
    State.ERROR: [State.LOADING, State.ERROR],
}
"""How to get into each state."""

ALLOWED = {
    (State.UNINITIALIZED, State.LOADING),
    (State.LOADING, State.WARMING_UP),
    (State.WARMING_UP, State.READY),
    (State.READY, State.UNINITIALIZED),
    (State.ERROR, State.LOADING),
    (State.ERROR, State.UNINITIALIZED),
    (State.UNINITIALIZED, State.ERROR),
    (State.LOADING, State.ERROR),
    (State.WARMING_UP, State.ERROR),
    (State.READY, State.ERROR),
}


def lifecycle_in(state: State) -> Lifecycle:
    lifecycle = Lifecycle()
    for step in PATHS[state]:
        lifecycle.move(step)
    return lifecycle


def to_ready(lifecycle: Lifecycle) -> Callable[[], None]:
    def work() -> None:
        lifecycle.move(State.WARMING_UP)
        lifecycle.move(State.READY)

    return work


def failing(error: BaseException) -> Callable[[], None]:
    def work() -> None:
        raise error

    return work


class TestMoves:
    @pytest.mark.parametrize(("before", "after"), list(product(State, State)))
    def test_every_pair_of_states_is_decided(self, before: State, after: State) -> None:
        lifecycle = lifecycle_in(before)
        history = list(lifecycle.history)
        if (before, after) in ALLOWED:
            lifecycle.move(after)
            assert lifecycle.history == [*history, after]
        else:
            with pytest.raises(ValueError, match=f"from {before} to {after}"):
                lifecycle.move(after)
            assert lifecycle.history == history

    def test_an_error_has_a_cause_and_a_retry_forgets_it(self) -> None:
        lifecycle = lifecycle_in(State.LOADING)
        cause = ModelError("damaged")
        lifecycle.move(State.ERROR, cause)
        assert lifecycle.cause is cause
        lifecycle.move(State.LOADING)
        assert lifecycle.cause is None


class TestStart:
    def test_a_start_goes_through_every_state(self) -> None:
        lifecycle = Lifecycle()
        lifecycle.start(to_ready(lifecycle))
        assert lifecycle.history == [
            State.UNINITIALIZED,
            State.LOADING,
            State.WARMING_UP,
            State.READY,
        ]

    def test_a_second_start_of_a_ready_model_does_nothing(self) -> None:
        lifecycle = lifecycle_in(State.READY)
        lifecycle.start(failing(AssertionError("started twice")))
        assert lifecycle.state is State.READY

    @pytest.mark.parametrize("error", [ModelError("no memory"), KeyboardInterrupt()], ids=repr)
    def test_a_failed_start_ends_in_error_with_its_cause(self, error: BaseException) -> None:
        lifecycle = Lifecycle()
        with pytest.raises(type(error)):
            lifecycle.start(failing(error))
        assert (lifecycle.state, lifecycle.cause) == (State.ERROR, error)

    def test_a_failed_start_can_be_tried_again(self) -> None:
        lifecycle = lifecycle_in(State.ERROR)
        lifecycle.start(to_ready(lifecycle))
        assert lifecycle.history[-4:] == [
            State.ERROR,
            State.LOADING,
            State.WARMING_UP,
            State.READY,
        ]

    def test_the_limits_are_those_of_the_design(self) -> None:
        assert (INIT_TIMEOUT, WAIT_TIMEOUT) == (300, 60)


class Watched(Lifecycle):
    """A lifecycle that tells when a number of callers wait for a start."""

    def __init__(self, expected: int) -> None:
        super().__init__()
        self.all_wait = threading.Event()
        self._missing = expected

    def _settled(self) -> bool:
        """Count the first look of each caller; it happens under the lock, just before waiting."""
        self._missing -= 1
        if self._missing == 0:
            self.all_wait.set()
        return super()._settled()

    def pass_through(self, *states: State) -> None:
        """Move so fast that whoever waits sees only the last state."""
        with self._changed:
            for state in states:
                self.move(state)


class SlowStart:
    """A start that goes on until everybody waits for it."""

    def __init__(self, waiters: int, error: Exception | None = None) -> None:
        self.lifecycle = Watched(waiters)
        self.count = 0
        self.entered = threading.Event()
        self._error = error

    def __call__(self) -> None:
        self.count += 1
        self.entered.set()
        assert self.lifecycle.all_wait.wait(timeout=10)
        if self._error is not None:
            raise self._error
        to_ready(self.lifecycle)()


def call_at_once(slow: SlowStart) -> list[BaseException | None]:
    """Let many threads ask for the start together; what each of them was told."""
    with ThreadPoolExecutor(MANY) as pool:
        callers = [pool.submit(slow.lifecycle.start, slow, timeout=10) for _ in range(MANY)]
        return [caller.exception(timeout=20) for caller in callers]


class TestManyCallers:
    def test_many_threads_make_one_start(self) -> None:
        slow = SlowStart(MANY - 1)
        assert call_at_once(slow) == [None] * MANY
        assert slow.count == 1
        assert slow.lifecycle.history.count(State.LOADING) == 1

    def test_everybody_hears_why_the_start_failed(self) -> None:
        slow = SlowStart(MANY - 1, ModelError("damaged weights", hint="install it again"))
        for error in call_at_once(slow):
            assert isinstance(error, ModelError)
            assert "damaged weights" in str(error)
            assert error.hint == "install it again"
        assert slow.count == 1

    def test_waiting_ends_with_its_timeout_and_the_start_goes_on(self) -> None:
        slow = SlowStart(2)
        with ThreadPoolExecutor(2) as pool:
            starter = pool.submit(slow.lifecycle.start, slow)
            assert slow.entered.wait(timeout=10)
            with pytest.raises(ModelError, match="not ready within 0 s"):
                slow.lifecycle.start(slow, timeout=0.0)
            patient = pool.submit(slow.lifecycle.start, slow, timeout=10)
            assert (starter.result(timeout=10), patient.result(timeout=10)) == (None, None)
        assert slow.lifecycle.state is State.READY

    def test_a_start_that_is_stopped_from_outside_ends_the_waiting(self) -> None:
        lifecycle = Watched(1)
        lifecycle.move(State.LOADING)
        with ThreadPoolExecutor(1) as pool:
            waiter = pool.submit(lifecycle.start, to_ready(lifecycle), timeout=10)
            assert lifecycle.all_wait.wait(timeout=10)
            lifecycle.move(State.ERROR, ModelError("killed"))
            with pytest.raises(ModelError, match="killed"):
                waiter.result(timeout=10)

    def test_a_model_that_was_unloaded_meanwhile_is_not_waited_for(self) -> None:
        lifecycle = Watched(1)
        lifecycle.move(State.LOADING)
        with ThreadPoolExecutor(1) as pool:
            waiter = pool.submit(lifecycle.start, to_ready(lifecycle), timeout=10)
            assert lifecycle.all_wait.wait(timeout=10)
            lifecycle.pass_through(State.WARMING_UP, State.READY, State.UNINITIALIZED)
            with pytest.raises(ModelError, match="unloaded"):
                waiter.result(timeout=10)
