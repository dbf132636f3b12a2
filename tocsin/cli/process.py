"""``tocsin process``: the enrichment worker."""


def process() -> None:
    """Enrich posts: read `posts`, write `mentions` and `activity`, until SIGTERM.

    One process uses one core. Start more, here or on other machines, up to the partitions of the
    topic; Kafka shares the work out.

    Example: `TOCSIN_MONITOR_PORT=0 tocsin process`
    """
    from processors.enrichment.app import (
        main,  # spaCy and Faust take seconds; other commands need neither
    )

    main()
