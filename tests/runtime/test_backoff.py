"""The waits of each back-off."""

from runtime.backoff import JitteredBackoff, exponential, jittered, linear


def test_waits() -> None:
    assert [linear(n, 0.25, 1.0) for n in range(6)] == [0, 0.25, 0.5, 0.75, 1.0, 1.0]
    assert [exponential(n, 0.5, 4.0) for n in range(6)] == [0.5, 1.0, 2.0, 4.0, 4.0, 4.0]
    assert exponential(10**9, 0.5, 4.0) == 4.0
    assert [jittered(8.0, share) for share in (0.0, 0.5, 1.0, 7.0)] == [4.0, 6.0, 8.0, 8.0]


def test_jittered_backoff_forgets_when_healthy() -> None:
    shares = iter([0.0, 1.0, 0.5, 1.0])
    backoff = JitteredBackoff(1.0, 60.0, lambda: next(shares))
    assert [backoff.failed(), backoff.failed(), backoff.failed()] == [0.5, 2.0, 3.0]
    backoff.healthy()
    assert backoff.failed() == 1.0
