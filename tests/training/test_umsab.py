"""Which of UMSAB's posts teach."""

from training.umsab import UNTOLD, labelled


def test_only_the_first_hindi_posts_are_left_out() -> None:
    rows = [
        {"lang": language, "number": number}
        for number in range(UNTOLD + 2)
        for language in ("fr", "hi")
    ]
    kept = list(labelled(rows))
    assert [row for row in kept if row["lang"] == "fr"] == rows[::2]
    assert [row["number"] for row in kept if row["lang"] == "hi"] == [UNTOLD, UNTOLD + 1]
