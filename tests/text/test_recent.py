"""What is remembered of texts is what is read of them, and bounded."""

from text.recent import Recent


def test_a_text_is_read_once() -> None:
    read: list[str] = []
    recent = Recent(lambda text: read.append(text) or text.upper())
    assert [recent[text] for text in ("a", "b", "a")] == ["A", "B", "A"]
    assert read == ["a", "b"]


def test_no_more_is_remembered_than_fits() -> None:
    recent = Recent(len, most=1_000)
    for number in range(2_000):
        assert recent[f"{number:099d}"] == 99
        assert len(recent) <= 11
    for _ in range(2):  # An empty text takes room, too.
        assert recent[""] == 0
