"""Text of strangers on one line."""

from text.terminal import single_line


def test_text_is_bounded_and_keeps_its_emoji() -> None:
    assert single_line("a\u200db \u2066x\u2069\x00  y\n z", 80) == "a\u200db x y z"
    assert single_line("👩\u200d🚒", 80) == "👩\u200d🚒"
    assert len(single_line("é" * 500, 80)) == 80
