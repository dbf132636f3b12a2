"""The tokens of text in many scripts, and what holds for any text at all."""

import unicodedata
from types import SimpleNamespace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.strategies import ANY_TEXT
from text import tokens
from text.tokens import (
    MAX_FOLDED,
    cased_form,
    exact_form,
    exact_tokens,
    folded_form,
    folded_tokens,
    tokenize,
)

ASCII = st.text(alphabet=st.characters(max_codepoint=127), max_size=60)
# Letters alone seldom make a token that is more than a word.
PIECES = st.lists(
    st.sampled_from(
        [*"@#$_-.' /a1é&+", "http://", "www.", "Zé", "\x1c", "\u200d", "\ufe0f", "\u0301"]
        + [*"＠＃日ス👩🇫🇷🏽कﷺͺーﾞ가أ®", "ि", "\u200c", "\u00ad", "&amp;", ".com", "＆", "ø"]
    ),
    max_size=20,
).map("".join)
TEXTS = ANY_TEXT | PIECES


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        # French: apostrophes and hyphens split, accents fold.
        ("L'Orange d'été, c'est où ?", ["l", "orange", "d", "ete", "c", "est", "ou"]),
        ("Aujourd’hui porte-à-porte", ["aujourd", "hui", "porte", "a", "porte"]),
        ("ŒUVRE naïve ÇA", ["oeuvre", "naive", "ca"]),
        # English.
        ("Don't @ me, it's 5G!", ["don", "t", "me", "it", "s", "5g"]),
        ("snake_case v2.0 C++", ["snake_case", "v2", "0", "c", "++"]),
        # German and Turkish case.
        ("STRASSE Straße İstanbul", ["strasse", "strasse", "istanbul"]),
        # Hindi: vowel signs and viramas stay in the word.
        ("हिन्दी में ऑरेंज।", ["हिन्दी", "में", "ऑरेंज"]),
        # Arabic: harakat and tatweel go.
        ("مُحَمَّد كـــتاب", ["محمد", "كتاب"]),
        # Japanese and Chinese: one token a character; the rest of a word stays one.
        ("東京タワー2024", ["東", "京", "タ", "ワ", "ー", "2024"]),
        ("我爱Orange手机", ["我", "爱", "orange", "手", "机"]),
        # Korean has spaces.
        ("오렌지 최고", ["오렌지", "최고"]),
        # Greek and Cyrillic.
        ("Ελλάδα ΟΔΟΣ Ёлка", ["ελλαδα", "οδοσ", "елка"]),
        # Emoji: a family, a skin tone, a heart with its selector, flags.
        ("👩‍👩‍👧‍👦👍🏽❤️", ["👩‍👩‍👧‍👦", "👍", "❤"]),
        ("🇫🇷🇯🇵", ["🇫🇷", "🇯🇵"]),
        # What nobody sees splits no word, and no sign of a trade mark is a token.
        ("Vel\u00admora Vel\u200bmora, Vel\u2060mora\u200b \ufeffVelmora", ["velmora"] * 4),
        ("Velmora® Box™ ©2026 Vel\u200dmora®️", ["velmora", "box", "2026", "velmora"]),
        ("क्\u200dष शर्\u200cमा", ["क्ष", "शर्मा"]),
        # A non-joiner is the border of two words of Persian.
        ("همراه\u200cاول", ["همراه", "اول"]),
        # The mark of a long vowel is Japanese, and so is a voiced mark of half width.
        (
            "ソニーXperia ｿﾆｰA7 ｶﾞｽ か\u3099",
            ["ソ", "ニ", "ー", "xperia", "ソ", "ニ", "ー", "a7", "ガ", "ス", "が"],
        ),
        # Names in Latin letters stand beside other scripts without a space.
        (
            "LG가 삼성SDI는 الـiPhone Jioका 5G폰",
            ["lg", "가", "삼성", "sdi", "는", "ال", "iphone", "jio", "का", "5g", "폰"],
        ),
        # A handle ends with its sentence; those of Bluesky and of the Fediverse are whole.
        (
            "@velmora.Toujours @velmora-fix @velmora.It",
            ["@velmora", "toujours", "@velmora", "fix", "@velmora", ".", "it"],
        ),
        (
            "@ana.bsky.social, @velmora-care.de. @ana@chaos.social.",
            ["@ana.bsky.social", "@velmora-care.de", "@ana@chaos.social"],
        ),
        ("@velmora는 @삼성전자", ["@velmora", "는", "@삼성전자"]),
        (
            "@velmora.je suis @zeit.de @haaretz.co.il",
            ["@velmora", ".", "je", "suis", "@zeit.de", "@haaretz.co.il"],
        ),
        ("“.NET” a).Net", [".", "net", "a", "net"]),
        # An address is one token, whoever runs the mail.
        ("à jean.d+a@orange.fr, jean@orange", ["a", "jean.d+a@orange.fr", "jean", "orange"]),
        # Signs of names whose letters alone are other words.
        (
            "C&A C & A AT&T, M&M's R&D Marks & Spencer a&bcde",
            [
                "c",
                "&",
                "a",
                "c",
                "&",
                "a",
                "at",
                "&",
                "t",
                "m",
                "&",
                "m",
                "s",
                "r",
                "&",
                "d",
                "marks",
                "spencer",
                "a",
                "bcde",
            ],
        ),
        (
            "C&amp;A C＆A C &#38; A l&#39;été",
            ["c", "&", "a", "c", "&", "a", "c", "&", "a", "l", "ete"],
        ),
        ("http://a.example/?b&amp;c d", ["http://a.example/?b&amp;c", "d"]),
        (
            "E.ON Au.fr .NET ASP.NET net. Non.Oui 1.2",
            [
                "e",
                ".",
                "on",
                "au",
                ".",
                "fr",
                ".",
                "net",
                "asp",
                "net",
                "net",
                "non",
                "oui",
                "1",
                "2",
            ],
        ),
        (
            "C++ C++17 Canal+ a+b 500+ C# F#. B#c",
            [
                "c",
                "++",
                "c",
                "++",
                "17",
                "canal",
                "+",
                "a",
                "b",
                "500",
                "c",
                "#",
                "f",
                "#",
                "b",
                "#c",
            ],
        ),
        # URLs are one token, whole.
        ("see https://a.example/x?y=1#z now", ["see", "https://a.example/x?y=1#z", "now"]),
        ('<a href="http://b.example">', ["a", "href", "http://b.example"]),
        ("www.Orange.example/été", ["www.orange.example/ete"]),
        # Handles; Bluesky's have dots. An address is none.
        (".@Jean_Dupont: hi @ana.bsky.example.", ["@jean_dupont", "hi", "@ana.bsky.example"]),
        ("mail me@home.example", ["mail", "me@home.example"]),
        ("@a-b @ @@c", ["@a", "b", "@c"]),
        ("＠Velmora ＃Panne", ["@velmora", "#panne"]),
        # Hashtags, in any script.
        (
            "#VelmoraDown #été2024 #東京タワー #5g",
            ["#velmoradown", "#ete2024", "#東京タワー", "#5g"],
        ),
        ("C# a#b ##x", ["c", "#", "a", "#b", "#x"]),
        # Tickers, but no prices.
        ("$TSLA up, $5 and US$ $toolong7", ["$tsla", "up", "5", "and", "us", "toolong7"]),
        # Letters in fancy dress, and letters that decompose into words.
        ("𝐎𝐫𝐚𝐧𝐠𝐞 Ⓥ ＯＫ ﬁn ⓥⓔⓛⓜⓞⓡⓐ ⓂⒶ", ["orange", "v", "ok", "fin", "velmora", "ma"]),
        ("ﷺ", ["صلياللهعليهوسلم"]),
        # Scripts without spaces: letters with their marks.
        ("ชอบกาแฟที่นี่", ["ช", "อ", "บ", "ก", "า", "แ", "ฟ", "ที่", "นี่"]),
        ("#กาแฟ กาแฟ", ["#กาแฟ", "ก", "า", "แ", "ฟ"]),
        ("ภาษาAirVolta", ["ภ", "า", "ษ", "า", "airvolta"]),
        ("ລາວ ខ្មែរ", ["ລ", "າ", "ວ", "ខ្", "មែ", "រ"]),
        (" \n\t…!?", []),
    ],
)
def test_golden(text: str, tokens: list[str]) -> None:
    assert tokenize(text).folded == tokens


@given(TEXTS)
@example("ﷺ ͺ ﹰ")
@example("http://a\x1cb")
@settings(max_examples=300)
def test_any_text_is_tokens_at_their_places_without_space(text: str) -> None:
    tokens = tokenize(text)
    assert len(tokens) == len(tokens.folded) == len(tokens.starts) == len(tokens.ends)
    last_end = 0
    for exact, start, end in zip(tokens.exact, tokens.starts, tokens.ends, strict=True):
        assert last_end <= start < end <= len(text)
        assert text[start:end] == exact
        last_end = end
    # The index splits the joined tokens at white space again: it has to see the same ones.
    assert " ".join(tokens.folded).split() == tokens.folded
    assert all(token and token.split() == [token] for token in tokens.exact)
    assert all(exact_form(token) and cased_form(token).split()[1:] == [] for token in tokens.exact)
    assert folded_tokens(text) == tokens.folded
    assert exact_tokens(text) == tokens.exact


@given(ASCII | PIECES.map(lambda text: text.encode("ascii", "ignore").decode()))
@example("http://a\x1cb www.\x1d @a-\x1e")
@settings(max_examples=300)
def test_ascii_text_has_the_tokens_that_it_has_within_other_text(text: str) -> None:
    alone, within = tokenize(text), tokenize(f"{text} — é")
    assert within.exact == [*alone.exact, "é"]
    assert within.folded == [*alone.folded, "e"]
    assert within.starts[:-1] == alone.starts
    assert within.ends[:-1] == alone.ends


@given(TEXTS)
def test_case_does_not_matter(text: str) -> None:
    # What upper() makes of one letter may be several: compare what both cases fold to.
    assert folded_form(text.upper()) == folded_form(text.upper().lower())


@pytest.mark.parametrize(
    "words",
    [
        ("Été", "été", "ETE", "e\u0301te\u0301", "𝐄𝐓𝐄", "ＥＴＥ"),
        ("Ιησούς", "ιησους", "ΙΗΣΟΥΣ"),
        ("İzmir", "izmir", "IZMIR"),
        ("Straße", "STRASSE", "STRAẞE"),
        ("كتاب", "كِتَاب", "كـتاب"),
        ("ｱ", "ア"),
        ("ｶﾞ", "ガ", "カ\u3099"),
        ("Ørsted", "orsted", "ØRSTED", "Ø\u0301rsted"),
        ("Łódź", "lodz", "ŁÓDŹ"),
        ("Mærsk", "Maersk", "MÆRSK"),
        ("œuvre", "Oeuvre"),
        ("Đà", "da", "Ðà"),
        ("Þór", "thor"),
        ("Għaxaq", "ghaxaq"),
        ("Kraŋŧ", "krant"),
        ("Yapı", "YAPI", "yapi"),
        ("KREDİ", "kredi", "Kredi"),
        ("Azərbaycan", "azerbaycan"),
        ("ɓuƙi", "buki"),
        ("أورنج", "اورنج", "أُورَنْج"),
        ("الأهلي", "الاهلى", "الأهلی"),
        ("آسيا", "اسيا", "ٱسيا"),
        ("مسؤول", "مسوول"),
        ("شركة", "شركه"),
        ("ڤودافون", "فودافون"),
        ("ایرانسل", "ايرانسل"),
        ("بانک", "بانك"),
        ("٢٠٢٤", "2024", "۲۰۲۴", "२०२४"),
        ("שָׁלוֹם", "שלום"),
        ("Vel\u00admora", "velmora"),
        ("👍🏽", "👍"),
        ("Việt", "viet", "VIE\u0323\u0302T"),
    ],
)
def test_words_that_are_written_differently_fold_alike(words: tuple[str, ...]) -> None:
    assert len({folded_form(word) for word in words}) == 1


@pytest.mark.parametrize(
    "pair",
    [("की", "का"), ("कि", "की"), ("が", "か"), ("나", "너"), ("كہا", "کھا"), ("گل", "كل"),
     ("ة", "ت"), ("ᴠ", "v"), ("о", "o"), ("ж", "з")],
)  # fmt: skip
def test_marks_that_make_another_word_stay(pair: tuple[str, str]) -> None:
    assert folded_form(pair[0]) != folded_form(pair[1])


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


GIANTS = st.builds(
    lambda text, times: text * times,
    st.text(st.sampled_from("aÉß日𝐀𠀀ﷺ\u0301\u0591\u05a3ि._@#\u200d "), min_size=1, max_size=4),
    st.integers(100, 600),
)


@given(GIANTS)
@example("a" * 256)
@example("é" * 256)
@example("𠀂" * 128)
@example("\u0301" * 300)
@example("ﷺ" * 15)
def test_no_form_is_longer_than_the_index_takes_for_one(text: str) -> None:
    tokens = tokenize(text)
    assert all(0 < units(token) <= MAX_FOLDED for token in tokens.folded)
    assert folded_tokens(text) == tokens.folded
    assert exact_tokens(text) == tokens.exact
    for token in tokens.exact:
        assert units(cased_form(token)) <= MAX_FOLDED
        assert units(exact_form(token)) <= MAX_FOLDED


@given(ANY_TEXT | GIANTS)
def test_folding_twice_is_folding_once(text: str) -> None:
    assert folded_form(folded_form(text)) == folded_form(text)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("a" * 255, "a" * 255),
        ("a" * 256, "a" * 255),
        ("é" * 256, "e" * 255),
        # A letter of two code units is there or not.
        ("𠮷" * 127 + "ab", "𠮷" * 127 + "a"),
        ("𠮷" * 200, "𠮷" * 127),
        ("ﷺ" * 15, ("صلياللهعليهوسلم" * 15)[:255]),
    ],
)
def test_a_giant_is_read_as_its_beginning(text: str, folded: str) -> None:
    assert folded_form(text) == folded


def test_a_giant_keeps_its_place() -> None:
    url = "https://a.example/" + "é" * 1_000
    tokens = tokenize(f"see {url}#b now")
    assert tokens.exact == ["see", f"{url}#b", "now"]
    assert tokens.folded == ["see", "https://a.example/" + "e" * 237, "now"]


def test_a_word_under_a_heap_of_accents_is_still_found() -> None:
    zalgo = "".join(letter + "\u0315\u0316\u0336" * 100 for letter in "velmora")
    assert folded_tokens(f"#{zalgo} {zalgo}") == ["#velmora", "velmora"]


@pytest.mark.parametrize("marks", ["\u0315\u0316", "\u05b0\u05b1", "\u0591\u05a3", "\u0f71\u0f72"])
def test_no_long_run_of_marks_is_normalized(marks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Normalizing takes the square of a run's length: 100,000 marks would take ten seconds.
    def normalize(form: str, text: str) -> str:
        assert len(text) <= 3 * MAX_FOLDED
        return unicodedata.normalize(form, text)  # type: ignore[arg-type]

    monkeypatch.setattr(tokens, "unicodedata", SimpleNamespace(normalize=normalize))
    for text in (marks * 50_000, "a" + marks * 50_000, f"www.{marks * 50_000}"):
        folded_tokens(text)
        folded_form(text)


@given(TEXTS)
@example("ǅ \u0345 \u1e9e")
def test_the_form_with_accents_folds_to_the_one_without(text: str) -> None:
    for token in tokenize(text).exact:
        assert folded_form(cased_form(token)) == folded_form(token)
        assert folded_form(exact_form(token)) == folded_form(token)
        assert not (cased_form(token) + exact_form(token)).split()[1:]


@pytest.mark.parametrize(
    ("word", "cased", "composed"),
    [
        ("Été", "été", "Été"),
        ("E\u0301te\u0301", "été", "Été"),
        ("ORANGE", "orange", "ORANGE"),
        ("❤\ufe0f", "❤", "❤"),
        ("كـتاب", "كتاب", "كتاب"),
        ("Ёлка", "ёлка", "Ёлка"),
        ("Łódź", "łódź", "Łódź"),
        # Another spelling is no accent.
        ("Œuvre", "oeuvre", "Œuvre"),
        ("İstanbul", "istanbul", "İstanbul"),
        ("Yapı", "yapı", "Yapı"),
        ("أورنج", "اورنج", "أورنج"),
        ("شركة", "شركه", "شركة"),
        ("كِتَاب", "كِتَاب", "كِتَاب"),
        ("👍🏽", "👍🏽", "👍🏽"),
        ("Vel\u00admora", "velmora", "Velmora"),
    ],
)
def test_the_forms_that_keep_accents(word: str, cased: str, composed: str) -> None:
    assert cased_form(word) == cased
    assert exact_form(word) == composed
