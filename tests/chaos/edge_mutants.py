"""Mutants of the edges: calls, secrets, signals, the monitor, terminals, and sources.

See :mod:`tests.chaos.mutant_table`.
"""

from tests.chaos.mutant import Mutant

DEADLINE = (
    "tests/runtime/limits/test_deadline.py",
    "tests/sinks/alerts/channels/test_channels_deadline.py",
)
SECRETS = ("tests/runtime/limits/test_secret_transport.py",)
ENDS = ("tests/runtime/limits/test_process_end.py",)
MONITOR = ("tests/runtime/test_health_clients.py",)
WORKERS = ("tests/sinks/alerts/test_workers.py",)
TERMINAL = ("tests/text/test_terminal.py",)
BLUESKY = ("tests/ingestors/bluesky/test_posts.py",)
COERCE = ("tests/ingestors/test_coerce.py",)
SENDER = ("tests/ingestors/test_sender.py",)

MUTANTS = (
    # --- calls, secrets and signals --------------------------------------------------------------
    Mutant(
        "a call outlives its deadline",
        "runtime/limits/deadline.py",
        "            for duplicate in self._guarded:\n                _shut(duplicate)\n",
        "            pass\n",
        DEADLINE,
    ),
    Mutant(
        "a call begins after its deadline",
        "runtime/limits/deadline.py",
        "if self.passed or left <= 0:",
        "if False:",
        DEADLINE,
    ),
    Mutant(
        "a secret goes out over plain http",
        "runtime/limits/secret_transport.py",
        "        if not is_loopback(host):\n",
        "        if False:\n",
        SECRETS,
    ),
    Mutant(
        "a host that has localhost in its name is this machine",
        "runtime/limits/secret_transport.py",
        'if name == "localhost" or name.endswith(".localhost"):',
        'if "localhost" in name:',
        SECRETS,
    ),
    Mutant(
        "a process that hangs outlives its stop",
        "runtime/limits/process_end.py",
        "        os._exit(status)\n",
        "        pass\n",
        ENDS,
    ),
    Mutant(
        "the last word of a process may hang",
        "runtime/limits/process_end.py",
        "told.join(_TELL_S)",
        "told.join()",
        ENDS,
    ),
    # --- one client, one channel, one text -------------------------------------------------------
    Mutant(
        "a channel that stops ends all others",
        "sinks/alerts/workers.py",
        "if error is not None and not thread.held:",
        "if error is not None:",
        WORKERS,
    ),
    Mutant(
        "a channel that hangs is told as working",
        "sinks/alerts/workers.py",
        "why = worker.hanging(now) or worker.failing",
        "why = worker.failing",
        WORKERS,
    ),
    Mutant(
        "a stop waits for a channel that hangs",
        "sinks/alerts/workers.py",
        "thread.join(max(0.0, deadline - time.monotonic()))",
        "thread.join()",
        WORKERS,
    ),
    Mutant(
        "half requests hold the monitor",
        "runtime/health.py",
        "full = len(self._open) >= MAX_CONNECTIONS",
        "full = False",
        MONITOR,
    ),
    Mutant(
        "a request in drops has no end",
        "runtime/health.py",
        "for connection in [each for each, state in self._open.items() if state.since < late]:",
        "for connection in list[socket.socket]():",
        MONITOR,
    ),
    Mutant(
        "a request has no bound",
        "runtime/health.py",
        "        if self.left < 0:\n",
        "        if False:\n",
        MONITOR,
    ),
    Mutant(
        "text changes the direction of a line",
        "text/terminal.py",
        '" " if c in _BIDI or unicodedata',
        '" " if unicodedata',
        TERMINAL,
    ),
    Mutant(
        "text moves the cursor",
        "text/terminal.py",
        'in ("Cc", "Cs", "Zl", "Zp")',
        'in ("Cs", "Zl", "Zp")',
        TERMINAL,
    ),
    # --- sources ---------------------------------------------------------------------------------
    Mutant(
        "a rev ahead of its time is believed",
        "ingestors/bluesky/posts.py",
        "return seen_us if version is None else min(version, seen_us + MAX_REV_AHEAD_US)",
        "return seen_us if version is None else version",
        BLUESKY,
    ),
    Mutant(
        "a delete is older than a rev that is made up",
        "ingestors/bluesky/posts.py",
        "deleted = _change(id_, seen_us + MAX_REV_AHEAD_US, now)",
        "deleted = _change(id_, version, now)",
        BLUESKY,
    ),
    Mutant(
        "a payload of values without end is parsed",
        "ingestors/coerce.py",
        "if has_more_values(payload, MAX_VALUES):",
        "if False:",
        COERCE,
    ),
    Mutant(
        "a list is read to its end",
        "ingestors/coerce.py",
        "return value[:MAX_LISTED] if",
        "return value if",
        COERCE,
    ),
    Mutant(
        "an event that Kafka never takes stops its source",
        "ingestors/sender.py",
        "if letter is None and isinstance(error, _OF_THE_MESSAGE):",
        "if False:",
        SENDER,
    ),
    Mutant(
        "a letter that Kafka never takes is not cut",
        "ingestors/sender.py",
        "if letter is not None and isinstance(error, _TOO_LARGE):",
        "if False:",
        SENDER,
    ),
)
