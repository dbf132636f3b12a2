"""Mutants of what the detector calls usual, and of what it counts as a copy or as said of a thing.

See :mod:`tests.chaos.mutant_table`.
"""

from tests.chaos.mutant import Mutant

RECURRENCE = ("tests/processors/detector/state/test_recurrence.py",)
SEVERITY = ("tests/processors/detector/test_severity.py",)
EXPECTATION = ("tests/processors/detector/state/test_expectation.py",)
SOURCES = ("tests/processors/detector/state/test_source_rhythm.py",)
VOLUMES = ("tests/processors/volume/test_daily_highs.py",)
GATE = ("tests/processors/volume/test_alert_gate.py",)
FINGERPRINTS = ("tests/text/test_fingerprint.py",)
ENCODER = ("tests/processors/enrichment/annotators/test_encoder.py",)

MUTANTS = (
    # --- what comes again is no news, and a crisis in it is --------------------------------------
    Mutant(
        "a show that comes again opens an alert",
        "processors/detector/severity.py",
        "moved = enough and not summary.recurs and volume >= MOVED / ease",
        "moved = enough and volume >= MOVED / ease",
        SEVERITY,
    ),
    Mutant(
        "the usual grumbling of a show is a tone that has darkened",
        "processors/detector/severity.py",
        "        tone = summary.tone\n",
        "        pass\n",
        SEVERITY,
    ),
    Mutant(
        "nothing that is larger than a show is news at its hour",
        "processors/detector/state/recurrence.py",
        "return mentions > LARGER * peak + 3 * math.sqrt(peak + 1)",
        "return False",
        RECURRENCE,
    ),
    Mutant(
        "the tone of a show is held against calm days",
        "processors/detector/state/recurrence.py",
        "before = min(max(share, summary.baseline_negative, 0.02), 0.98)",
        "before = summary.baseline_negative",
        RECURRENCE,
    ),
    # --- a window is held against the sum of its own minutes -------------------------------------
    Mutant(
        "a window is held against the rate of its last minute",
        "processors/detector/state/expectation.py",
        "return level * sum(shapes[-minutes:])",
        "return level * minutes * shapes[-1]",
        EXPECTATION,
    ),
    Mutant(
        "the hours of before a clock change do not count",
        "processors/detector/state/expectation.py",
        "usual = max(usual, level * sum(self._tolerant[-minutes:]))",
        "pass",
        EXPECTATION,
    ),
    Mutant(
        "a brand never knows its weekdays",
        "processors/detector/state/expectation.py",
        "if not self._volumes.knows_weeks:",
        "if True:",
        EXPECTATION,
    ),
    # --- blind is not calm -----------------------------------------------------------------------
    Mutant(
        "the hour before a closing is missed in full",
        "processors/detector/state/source_rhythm.py",
        "total += pace * minutes * self._least(hour)",
        "total += pace * minutes * self._rate(hour)",
        SOURCES,
    ),
    Mutant(
        "a weekend misses what the week promises",
        "processors/detector/state/source_rhythm.py",
        "pace = min((self.seen + _PRIOR) / (self.expected + _PRIOR), 1.0)",
        "pace = 1.0",
        SOURCES,
    ),
    # --- many people say the same short thing ----------------------------------------------------
    Mutant(
        "short texts that differ in one word are copies",
        "text/fingerprint.py",
        "return len(words) < _MIN_EDITED or len(words) - _characters(words) // 2 < _MIN_EDITED",
        "return False",
        FINGERPRINTS,
    ),
    Mutant(
        "a short text of a script without spaces has light edits",
        "text/fingerprint.py",
        "return len(words) < _MIN_EDITED or len(words) - _characters(words) // 2 < _MIN_EDITED",
        "return len(words) < _MIN_EDITED",
        FINGERPRINTS,
    ),
    # --- of several things each has what is said of it -------------------------------------------
    Mutant(
        "the words about the others colour a thing",
        "processors/enrichment/annotators/encoder.py",
        '(answers[text].heads or reading.heads)["sentiment"]',
        'reading.heads["sentiment"]',
        ENCODER,
    ),
    Mutant(
        "a thing whose clauses have nothing to read has no sentiment",
        "processors/enrichment/annotators/encoder.py",
        "(answers[text].heads or reading.heads)",
        "answers[text].heads",
        ENCODER,
    ),
    # --- a volume that was had before is no news -------------------------------------------------
    Mutant(
        "a brand that bursts every day is told every day",
        "processors/volume/alert_gate.py",
        "parameters.lowest_bar + parameters.rise * np.log2(often)",
        "parameters.lowest_bar + 0 * often",
        VOLUMES,
    ),
    Mutant(
        "an alert that lasts is told again",
        "processors/volume/alert_gate.py",
        "armed = now - self.active > parameters.quiet_minutes",
        "armed = now > self.active",
        GATE,
    ),
    Mutant(
        "a first day has alerts",
        "processors/volume/alert_gate.py",
        "learnt = now - self.since >= parameters.learn_days * DAY_MINUTES",
        "learnt = present",
        GATE,
    ),
    Mutant(
        "an aftershock is told as loudly as its crisis",
        "processors/volume/alert_gate.py",
        "bar = bar + echo",
        "bar = bar + 0 * echo",
        GATE,
    ),
    Mutant(
        "a weekly show is never learnt",
        "processors/volume/daily_highs.py",
        "return np.where(self._repeats(near, now), known, times), known",
        "return times, known",
        VOLUMES,
    ),
    Mutant(
        "a volume at any hour is a show",
        "processors/volume/daily_highs.py",
        "return np.asarray(apart <= self._parameters.repeat_minutes)",
        "return np.asarray(apart <= DAY_MINUTES)",
        VOLUMES,
    ),
    Mutant(
        "the highs of a larger brand silence a smaller one",
        "processors/volume/daily_highs.py",
        "fallen = np.minimum(1.0, _FALLEN * levels[brands, None] / then)",
        "fallen = np.ones_like(then)",
        VOLUMES,
    ),
    Mutant(
        "highs are never forgotten",
        "processors/volume/daily_highs.py",
        "                ring[stale, (today - back) % days] = ABSENT\n",
        "                pass\n",
        VOLUMES,
    ),
)
