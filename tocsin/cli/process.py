"""``tocsin process``: the service that enriches posts."""


def process() -> None:
    """Enrich posts until SIGTERM: read `posts`, write `mentions` and `activity`.

    One process uses one core. Start up to one per partition of the topic, on any machine; Kafka
    shares the work among them.

    Example: `TOCSIN_MONITOR_PORT=0 tocsin process`
    """
    from processors.enrichment.app import main  # spaCy and Faust take seconds to import

    main()
