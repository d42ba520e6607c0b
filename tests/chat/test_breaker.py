"""A breaker leaves an upstream alone that fails, and lets one question try again."""

from sutdol.chat.breaker import Breaker


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def failing(clock: Clock) -> Breaker:
    made = Breaker(failures=3, rest=10, clock=clock)
    for _ in range(3):
        assert made.allows()
        made.failed()
    return made


def test_three_failures_in_a_row_open_it() -> None:
    breaker = failing(Clock())

    assert breaker.is_open
    assert not breaker.allows()


def test_a_success_between_keeps_it_shut() -> None:
    breaker = Breaker(failures=3, rest=10, clock=Clock())
    for worked in (False, False, True, False, False):
        (breaker.worked if worked else breaker.failed)()

    assert breaker.allows()


def test_after_the_rest_one_may_try_and_the_others_wait() -> None:
    clock = Clock()
    breaker = failing(clock)
    clock.now += 10

    assert breaker.allows()
    assert not breaker.allows()


def test_the_one_that_tries_decides() -> None:
    clock = Clock()
    breaker = failing(clock)
    clock.now += 10
    assert breaker.allows()
    breaker.failed()
    clock.now += 9
    assert not breaker.allows()
    clock.now += 1
    assert breaker.allows()
    breaker.worked()

    assert not breaker.is_open
    assert breaker.allows()
    assert breaker.allows()
