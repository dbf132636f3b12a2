"""Character sets are told by the bytes, and what cannot be read is counted."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestors.files.charset import Transcoder, UnknownCharset, charset_of, known_charset
from schemas.errors import ConfigurationError

FRENCH = "Le réseau d’Énergie est coupé à Orléans : « ça ne marche plus »\nSociété Générale, œuf\n"
SAMPLES = {
    "cp1252": FRENCH,
    "utf-8": FRENCH,
    "utf-16": FRENCH,
    "utf-16-le": FRENCH,
    "utf-16-be": FRENCH,
    "utf-32": FRENCH,
    "cp1251": "Сеть не работает уже второй день, поддержка молчит\n" * 5,
    "cp1253": "Το δίκτυο δεν λειτουργεί από χθες και κανείς δεν απαντά\n" * 5,
    "shift_jis": "昨日からネットワークがつながりません。サポートも返事がないです。\n" * 5,
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_character_set_is_told_by_its_bytes(name: str) -> None:
    data = SAMPLES[name].encode(name)
    told = charset_of(data, whole=True)
    assert data.decode(told) == SAMPLES[name]


def test_utf_8_with_a_mark_or_cut_within_a_letter_is_utf_8() -> None:
    assert charset_of(codecs.BOM_UTF8 + b"a", whole=True) == "utf-8"
    assert charset_of("été".encode()[:-1], whole=False) == "utf-8"
    assert charset_of(b"", whole=True) == "utf-8"


def test_one_damaged_line_does_not_change_the_others() -> None:
    damaged = "été\nété\n".encode() + b"\xe9\n"
    assert charset_of(damaged, whole=True) == "utf-8"


def test_what_is_text_in_nothing_is_said() -> None:
    with pytest.raises(UnknownCharset):
        charset_of(b"\x81\x8d\xff\x01\x00\x80", whole=True)


@pytest.mark.parametrize(
    ("given", "name"), [("latin1", "cp1252"), ("UTF8", "utf-8"), ("Windows-1250", "cp1250")]
)
def test_names_as_people_write_them(given: str, name: str) -> None:
    assert known_charset(given, "a") == name


@pytest.mark.parametrize("given", ["klingon", "hex", ""])
def test_a_name_of_none_is_a_sentence(given: str) -> None:
    with pytest.raises(ConfigurationError, match="there is no encoding"):
        known_charset(given, "a")


@given(st.text(st.characters(codec="cp1252")), st.integers(1, 7))
def test_pieces_are_read_like_the_whole(text: str, size: int) -> None:
    for charset in ("cp1252", "utf-16"):
        data, reader = text.encode(charset), Transcoder(charset)
        pieces = [reader.feed(data[at : at + size]) for at in range(0, len(data), size)]
        assert b"".join([*pieces, reader.feed(b"", final=True)]).decode() == text
        assert reader.replaced == 0


def test_what_is_not_in_the_set_is_replaced_and_counted() -> None:
    reader = Transcoder("cp1252")
    assert reader.feed(b"a\x81b\x8d").decode() == "a\ufffdb\ufffd"
    assert reader.replaced == 2
