"""Text of strangers, safe for a terminal."""

import json
import sys
import unicodedata

from text.terminal import printable, printable_lines, safe_json, safe_json_bytes, single_line

EVERY = "".join(chr(c) for c in range(sys.maxunicode + 1) if not 0xD800 <= c <= 0xDFFF)
UNSAFE = {
    c
    for c in EVERY
    if unicodedata.category(c) in ("Cc", "Zl", "Zp")
    or unicodedata.bidirectional(c)
    in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    or c in "\u061c\u200e\u200f"
}
"""What moves the cursor, and what changes the direction."""


def test_no_character_that_a_terminal_obeys_passes() -> None:
    shown = printable(EVERY)
    assert len(shown) == len(EVERY)
    assert not UNSAFE & set(shown)
    assert set(printable_lines(EVERY)) & UNSAFE == {"\n"}
    assert not UNSAFE & set(single_line(EVERY, len(EVERY)))
    assert printable("\ud800") == " "


def test_json_reads_as_the_same_and_a_terminal_obeys_nothing_in_it() -> None:
    document = json.dumps({EVERY: [EVERY]}, ensure_ascii=False)
    for safe in (safe_json(document), safe_json_bytes(document.encode()).decode()):
        assert json.loads(safe) == {EVERY: [EVERY]}
        assert not UNSAFE & set(safe)
    assert safe_json('{"a": "é😡"}') == '{"a": "é😡"}'


def test_text_is_bounded_and_keeps_its_emoji() -> None:
    assert single_line("a\u200db \u2066x\u2069\x00  y\n z", 80) == "a\u200db x y z"
    assert single_line("👩\u200d🚒", 80) == "👩\u200d🚒"
    assert len(single_line("é" * 500, 80)) == 80
