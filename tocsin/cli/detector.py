"""``tocsin detector``: the crisis detector of the stream."""


def detector() -> None:
    """Detect crises: read `activity`, write `alerts`, until SIGTERM.

    One process serves many brands; start more up to the partitions of the topic. What it knows is
    kept on `detector-state`, so that a restart goes on where it was.

    Example: `TOCSIN_MONITOR_PORT=0 tocsin detector`
    """
    from processors.detect_app import main  # Faust takes a second; other commands do without

    main()
