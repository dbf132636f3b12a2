"""Which clauses of a post speak of a thing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from text.clauses import about, clauses


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("one clause", ["one clause"]),
        ("Good. Bad! Worse?", ["Good.", " Bad!", " Worse?"]),
        ("2.5 euros at v1.2", ["2.5 euros at v1.2"]),
        ("A is good but B is bad", ["A is good ", "but B is bad"]),
        ("A top, mais B nul", ["A top, ", "mais B nul"]),
        ("butter is no button", ["butter is no button"]),
        ("A ist gut aber B nicht", ["A ist gut ", "aber B nicht"]),
        ("A\n\nB;C", ["A\n\n", "B;", "C"]),
        ("अच्छा। बुरा", ["अच्छा।", " बुरा"]),
    ],
)
def test_signs_end_a_clause_and_contrasts_begin_one(text: str, expected: list[str]) -> None:
    assert [text[a:b] for a, b in clauses(text)] == expected


@given(st.text())
def test_all_of_the_text_is_in_a_clause(text: str) -> None:
    assert "".join(text[a:b] for a, b in clauses(text)) == text


def test_what_names_only_others_is_left_out() -> None:
    text = "Hello. Delta lost my bag. United found it. Thanks!"
    parts = clauses(text)

    def place(name: str) -> tuple[int, int]:
        at = text.index(name)
        return at, at + len(name)

    delta, united = place("Delta"), place("United")
    kept = [text[a:b].strip() for a, b in about(parts, [delta], [united])]
    assert kept == ["Hello.", "Delta lost my bag.", "Thanks!"]
    both = about(parts, [place("Hello"), delta, united], [united])
    assert both == parts
