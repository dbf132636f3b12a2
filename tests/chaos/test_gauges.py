"""What counts as growth without end."""

from tests.chaos.gauges import MAX_MORE, MIN_SPAN_S, WARM_S, Usage, growth

END = int(WARM_S + 2 * MIN_SPAN_S)


def usages(rss: float = 0.0, threads: float = 0.0, until: int = END) -> list[Usage]:
    """Samples of a process that grows by so much a second."""
    return [
        Usage(float(at), int(100 * 2**20 + rss * at), 50, int(10 + threads * at))
        for at in range(0, until, 2)
    ]


def test_a_flat_process_grows_not() -> None:
    assert growth("sink", usages()) == []


def test_memory_that_grows_by_a_megabyte_a_minute_is_told() -> None:
    (told,) = growth("sink", usages(rss=2**20 / 50))
    assert told.startswith("sink grows by 1.2 MB a minute: [")
    assert growth("sink", usages(rss=2**20 / 120)) == []


def test_memory_that_fills_up_to_a_bound_is_no_leak() -> None:
    full = int(WARM_S + MIN_SPAN_S)
    filling = usages(rss=2**20 / 20, until=full)
    assert (
        growth("sink", [*filling, *(filling[-1]._replace(at=at) for at in range(full, END, 2))])
        == []
    )


def test_one_step_is_no_leak() -> None:
    samples = usages()
    late = [usage._replace(rss=2 * usage.rss) for usage in samples[len(samples) * 3 // 4 :]]
    assert growth("sink", [*samples[: len(samples) * 3 // 4], *late]) == []


def test_threads_that_pile_up_are_told() -> None:
    (told,) = growth("sink", usages(threads=3 * MAX_MORE / MIN_SPAN_S))
    assert "threads" in told


def test_a_short_life_says_nothing() -> None:
    assert growth("sink", usages(rss=2**20, until=int(WARM_S + MIN_SPAN_S - 10))) == []
    assert growth("sink", []) == []
