"""How often somebody may do something."""

from editor.bucket import Bucket


def test_a_burst_then_a_steady_pace() -> None:
    now = 100.0
    bucket = Bucket(10, 3, lambda: now)
    assert [bucket.take() for _ in range(3)] == [0, 0, 0]
    wait = bucket.take()
    assert 0.099 < wait <= 0.1
    now += wait + 1e-9
    assert bucket.take() == 0
    assert bucket.take() > 0


def test_it_never_holds_more_than_a_burst() -> None:
    now = 100.0
    bucket = Bucket(10, 3, lambda: now)
    now += 1000
    assert [bucket.take() > 0 for _ in range(4)] == [False, False, False, True]
