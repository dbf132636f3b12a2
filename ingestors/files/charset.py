"""Tells the character set of a file, and turns its bytes into UTF-8.

UTF-8 and UTF-16 are certain; any other one is the likeliest for the letters that it gives.
"""

import codecs
from typing import Final

from schemas.bounds import REPLACEMENT
from schemas.errors import ConfigurationError

UTF_8: Final = "utf-8"
_BOMS: Final = (
    (codecs.BOM_UTF8, UTF_8),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE: Final = 2**16
_WESTERN: Final = frozenset(
    "àâäáãåæçéèêëíìîïñóòôöõøœúùûüýÿßÀÂÄÁÃÅÆÇÉÈÊËÍÌÎÏÑÓÒÔÖÕØŒÚÙÛÜÝŸ’‘“”–—…€£«»°¡¿·•\xa0"
)
_MAX_WESTERN_SHARE: Final = 0.3
"""Share of the letters that have accents: no western language has more, all scripts but the Latin
one do."""
_OTHERS: Final = (
    "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "koi8_r",
    "mac_roman", "big5", "gb18030", "euc_jp", "shift_jis", "euc_kr",
)  # fmt: skip
_SAME: Final = {"latin-1": "cp1252", "iso8859-1": "cp1252", "ascii": UTF_8, "utf-8-sig": UTF_8}
"""Names that files carry, and what their writers meant."""


class UnknownCharset(Exception):
    """The bytes are text in no character set that can be told."""


def known_charset(name: str, where: str) -> str:
    """Python's name of a character set that a person gives, or a ConfigurationError."""
    try:
        found = codecs.lookup(name).name
        "".encode(found)  # refuses codecs that are no character sets, such as hex
    except (LookupError, ValueError):
        raise ConfigurationError(
            f"{where}: there is no encoding {name!r}; write one such as utf-8, utf-16 or cp1252"
        ) from None
    return _SAME.get(found.replace("_", "-"), found)


def charset_of(head: bytes, whole: bool) -> str:
    """The character set of a file with these first bytes; ``whole``: they are all of it."""
    for bom, name in _BOMS:
        if head.startswith(bom):
            return name
    if utf_16 := _without_bom(head):
        return utf_16
    lines = [line for line in head.split(b"\n") if not line.isascii()]
    if not whole and lines and head.endswith(lines[-1]):
        lines.pop()  # it may be cut within a letter
    wrong = [line for line in lines if not _is_utf_8(line)]
    if 2 * len(wrong) <= len(lines):  # a few damaged lines are told one by one
        return UTF_8
    return _likeliest(b"\n".join(wrong)[:_SAMPLE])


def _without_bom(head: bytes) -> str | None:
    """UTF-16 by its zeros: in text every other byte of an ASCII letter is one."""
    if head[:_SAMPLE].count(0) < 4:
        return None
    even, odd = head[:_SAMPLE:2].count(0), head[1:_SAMPLE:2].count(0)
    half = len(head[:_SAMPLE]) // 2
    if odd > 0.4 * half and even < 0.1 * half:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 * half and odd < 0.1 * half else None


def _is_utf_8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _likeliest(sample: bytes) -> str:
    western = sample.decode("cp1252", "replace")
    marked = [letter for letter in western if not letter.isascii()]
    letters = sum(letter.isalpha() for letter in western)
    plausible = sum(letter in _WESTERN for letter in marked)
    if plausible >= 0.9 * len(marked) and len(marked) <= _MAX_WESTERN_SHARE * letters:
        return "cp1252"
    from charset_normalizer import from_bytes  # slow to import, and UTF-8 needs it not

    best = from_bytes(sample, cp_isolation=list(_OTHERS)).best()
    if best is None:
        raise UnknownCharset
    return best.encoding


class Transcoder:
    """Bytes of a character set to UTF-8; what is in none of its letters is replaced and counted."""

    def __init__(self, charset: str) -> None:
        self.replaced = 0
        self._decoder = codecs.getincrementaldecoder(charset)("replace")

    def feed(self, data: bytes, final: bool = False) -> bytes:
        text = self._decoder.decode(data, final)
        self.replaced += text.count(REPLACEMENT)
        return text.encode("utf-8", "replace")
