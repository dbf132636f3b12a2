"""A simulator of X's filtered stream: which rules are valid, and which posts they match.

Sources: docs.x.com/x-api/posts/filtered-stream (build-a-rule and operators, read in November 2026
in github.com/xdevplatform/docs), then the enterprise page "Rules and filtering", whose "rule
syntax" and "rule matching logic" PowerTrack and v2 share. Never uses ``queries``. An ambiguity of
the documentation is a ``Reading``; a rule must be right in every one.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import regex

_CONJUNCTION_REQUIRED = ("is:", "has:", "lang:", "sample:", "followers_count:")
"""Operators page, column "Type". ``followers_count:`` has no type there: taken for the stricter."""
_KNOWN = (
    "from:", "to:", "url:", "bio_name:", "place_country:", "lang:", "is:", "followers_count:",
    "conversation_id:",
)  # fmt: skip
_EMOJI = regex.compile(
    r"\p{RI}\p{RI}|\p{Extended_Pictographic}\uFE0F?\p{EMod}?"
    r"(?:\u200D\p{Extended_Pictographic}\uFE0F?\p{EMod}?)*"
)
_WORD = r"[^\p{P}\p{S}\p{Z}\p{Cc}]"
_PIECES = {
    splits: regex.compile(rf"{_EMOJI.pattern}|(?:{_WORD}{'' if splits else '|_'})+")
    for splits in (True, False)
}


@dataclass(frozen=True)
class Reading:
    """What the documentation leaves open.

    ``hashtag_words``: whether a keyword finds the word of a hashtag. X's pages on its
    search say both: ``"Love Snow"`` matches "#love #snow", a quoted "hashtag" not #hashtag.
    ``underscore_splits``: to Unicode an underscore is punctuation, to usernames a letter.
    """

    hashtag_words: bool = True
    underscore_splits: bool = True


READINGS = tuple(Reading(hashtags, low) for hashtags in (True, False) for low in (True, False))


@dataclass(frozen=True)
class XPost:
    """A post with the entities that X found in it. ``kinds``: what it is to other posts."""

    text: str
    username: str = "somebody"
    user_id: str = "1"
    name: str = ""
    followers: int = 0
    lang: str = "und"
    country: str = ""
    hashtags: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    cashtags: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    kinds: frozenset[str] = frozenset()
    conversation: str = ""
    quoted: "XPost | None" = field(default=None, repr=False)


class NotARule(ValueError):
    """X would not take this rule."""


@dataclass(frozen=True)
class Clause:
    """One operator: what stands before the colon, its value, and the N of a proximity."""

    name: str
    value: str
    quoted: bool = False
    near: int | None = None
    negated: bool = False


@dataclass(frozen=True)
class Group:
    """Clauses and groups; ``either``: OR between them, else AND."""

    parts: "tuple[Clause | Group, ...]"
    either: bool


Rule = Clause | Group
_TOKEN = re.compile(
    r"\s*(?:(?P<open>\()|(?P<close>\))|(?P<or>OR(?=\s|$))|(?P<clause>"
    r'-?(?:[a-z_]+:(?=\S))?(?:"(?:[^"\\]|\\.)*"(?:~\d+)?|[^\s()"]+)))'
)


def parse_rule(rule: str, most: int = 512) -> Rule:
    """The tree of a rule, or :class:`NotARule`.

    Build a rule, "Boolean operators and grouping": a space is AND, ``OR`` is upper case, a dash
    negates an operator, parentheses group. "Order of operations": AND binds before OR.
    """
    if len(rule) > most:
        raise NotARule("longer than the plan allows")
    tokens = list(_tokens(rule))
    tree, rest = _either(tokens, 0)
    if rest != len(tokens):
        raise NotARule("a parenthesis too many")
    _check(tree)
    return tree


def _tokens(rule: str) -> Iterator[tuple[str, str]]:
    place = 0
    rule = rule.rstrip()
    while place < len(rule):
        found = _TOKEN.match(rule, place)
        if not found or found.lastgroup is None:
            raise NotARule(f"unreadable at {place}: {rule[place : place + 20]!r}")
        yield found.lastgroup, found[found.lastgroup]
        place = found.end()


def _either(tokens: list[tuple[str, str]], place: int) -> tuple[Rule, int]:
    parts = []
    while True:
        part, place = _every(tokens, place)
        parts.append(part)
        if place == len(tokens) or tokens[place][0] != "or":
            return (parts[0] if len(parts) == 1 else Group(tuple(parts), True)), place
        place += 1


def _every(tokens: list[tuple[str, str]], place: int) -> tuple[Rule, int]:
    parts: list[Rule] = []
    while place < len(tokens) and tokens[place][0] in ("open", "clause"):
        kind, text = tokens[place]
        if kind == "clause":
            parts.append(_clause(text))
            place += 1
            continue
        part, place = _either(tokens, place + 1)
        if place == len(tokens) or tokens[place][0] != "close":
            raise NotARule("a parenthesis is never closed")
        parts.append(part)
        place += 1
    if not parts:
        raise NotARule("an operator without operands")
    return (parts[0] if len(parts) == 1 else Group(tuple(parts), False)), place


def _clause(text: str) -> Clause:
    negated = text.startswith("-")
    text = text.removeprefix("-")
    name = next((name for name in _KNOWN if text.startswith(name)), "")
    value = text[len(name) :]
    if not name and value[:1] in ("#", "@", "$"):
        return _entity(value, negated)
    if not name and value in ("AND", "NOT"):
        raise NotARule("AND is a space, and NOT a dash")
    near = re.fullmatch(r'(".*")~(\d+)', value)
    if near:
        if int(near[2]) > 6:
            raise NotARule("N cannot be greater than 6")
        return Clause(name, near[1][1:-1], True, int(near[2]), negated)
    if value.startswith('"'):
        value = value[1:-1]
        if not value.strip():
            raise NotARule("empty quotes")
        return Clause(name, value, True, None, negated)
    # "To match strings containing punctuation, symbol, or separator characters, you must wrap your
    # keyword in double-quotes"; for emoji: "if an emoji has a variant".
    if name in ("", "url:", "bio_name:") and not _bare(value):
        raise NotARule(f"{value!r} needs quotes")
    return Clause(name, value, False, None, negated)


def _entity(value: str, negated: bool) -> Clause:
    shapes = {"#": r"#[\p{L}\p{M}\p{N}_]+", "@": r"@[A-Za-z0-9_]{1,15}", "$": r"\$[A-Za-z]{1,6}"}
    if not regex.fullmatch(shapes[value[0]], value):
        raise NotARule(f"{value!r} is no entity")
    return Clause(value[0], value[1:], False, None, negated)


def _bare(value: str) -> bool:
    if _EMOJI.fullmatch(value):
        return len(value) == 1
    return bool(regex.fullmatch(rf"{_WORD}+", value))


def _check(rule: Rule) -> None:
    """Conjunction-required operators need a standalone one; a negated one cannot be alone.

    Rules and filtering, "Negated ORs": ``apple OR -ipad`` is invalid, as it would match nearly
    every post. So each way to match has to hold a standalone operator that is not negated.
    """
    if not _holds_standalone(rule):
        raise NotARule("no standalone operator")
    _check_dashes(rule)


def _holds_standalone(rule: Rule) -> bool:
    if isinstance(rule, Clause):
        text = rule.name or '"'
        return not rule.negated and not text.startswith(_CONJUNCTION_REQUIRED)
    return (all if rule.either else any)(map(_holds_standalone, rule.parts))


def _check_dashes(rule: Rule) -> None:
    """No dash stands as a way of its own in an OR."""
    if isinstance(rule, Clause):
        return
    for part in rule.parts:
        if rule.either and _has_dash(part) and not _holds_standalone(part):
            raise NotARule("a negated OR")
        _check_dashes(part)


def _has_dash(rule: Rule) -> bool:
    return rule.negated if isinstance(rule, Clause) else any(map(_has_dash, rule.parts))


def matches(rule: Rule, post: XPost, reading: Reading = READINGS[0]) -> bool:
    """Whether the stream sends the post for this rule."""
    if isinstance(rule, Group):
        return (any if rule.either else all)(matches(part, post, reading) for part in rule.parts)
    return _holds(rule, post, reading) is not rule.negated


def _holds(clause: Clause, post: XPost, reading: Reading) -> bool:
    """Build a rule, "Quote Tweet matching": operators match the quoted post's content too.

    The enterprise page lists which: keywords, phrases, proximity, #, @, $, url:, is:quote, is:reply
    (and has:). So ``from:``, ``lang:``, ``place_country:`` and the like look at the post alone.
    """
    if _of_one(clause, post, reading):
        return True
    of_content = clause.name in ("", "#", "@", "$", "url:") or clause.value in ("quote", "reply")
    return of_content and post.quoted is not None and _of_one(clause, post.quoted, reading)


def _of_one(clause: Clause, post: XPost, reading: Reading) -> bool:
    value = _lower(clause.value)
    match clause.name:
        case "#":
            return value in map(_lower, post.hashtags)
        case "@":
            return value in map(_lower, post.mentions)
        case "$":
            return value in map(_lower, post.cashtags)
        case "from:":
            return value in (_lower(post.username), post.user_id)
        case "conversation_id:":
            return value == post.conversation
        case "lang:":
            return value == _lower(post.lang)
        case "place_country:":
            return value == _lower(post.country)
        case "is:":
            return clause.value in post.kinds
        case "followers_count:":
            return _in_range(clause.value, post.followers)
        case "bio_name:":
            return _in_a_row(_words(clause.value, reading), _words(post.name, reading))
        case "url:":
            wanted = _words(clause.value, reading)
            return any(_in_a_row(wanted, _words(link, reading)) for link in post.links)
        case "":
            return _in_text(clause, post, reading)
        case _:
            raise NotARule(f"{clause.name} is not known here")


def _in_range(value: str, number: int) -> bool:
    """ "If a single number is specified, any number equal to or higher will match"; ``1..9``."""
    low, dots, high = value.partition("..")
    return number >= int(low) and (not dots or number <= int(high))


def _in_text(clause: Clause, post: XPost, reading: Reading) -> bool:
    """Keyword, emoji, exact phrase, proximity.

    "A tokenized match, meaning that your keyword string will be matched against the tokenized text
    of the Post body." A quoted phrase is tokenized as the text is: "punctuation is treated as
    whitespace".
    """
    text = _words(_visible(post.text, reading), reading)
    wanted = _words(clause.value, reading)
    if clause.near is None:
        return _in_a_row(wanted, text)
    return _near(wanted, text, clause.near)


def _visible(text: str, reading: Reading) -> str:
    return text if reading.hashtag_words else regex.sub(r"[#＃][\p{L}\p{M}\p{N}_]+", " . ", text)


def _words(text: str, reading: Reading) -> list[str]:
    """ "Tokenization splits words based on punctuation, symbols, and Unicode basic plane separator
    characters. For example, 'I like coca-cola' would be split into: I, like, coca, cola."

    Emoji are tokens. "All operators are evaluated in a case-insensitive manner", and "characters
    with accents or diacritics are treated the same as normal characters and are not treated as word
    boundaries"; a rule with an accent finds that accent only, and so does one without.
    """
    return [_lower(piece) for piece in _PIECES[reading.underscore_splits].findall(text)]


def _lower(text: str) -> str:
    return unicodedata.normalize("NFC", text).lower()


def _in_a_row(wanted: list[str], text: list[str]) -> bool:
    if not wanted:
        return False
    places = range(len(text) - len(wanted) + 1)
    return any(text[first : first + len(wanted)] == wanted for first in places)


def _near(wanted: list[str], text: list[str], most: int) -> bool:
    """ "Matches a Post where keywords are within N tokens of each other. Keywords in reverse order
    can be no more than N-2 tokens apart." Read in the stricter way: neighbours are one apart.
    """
    if len(wanted) != 2:
        return _in_a_row(wanted, text)
    places = [[n for n, word in enumerate(text) if word == one] for one in wanted]
    return any(
        0 < after - before <= most or 0 < before - after <= most - 2
        for before in places[0]
        for after in places[1]
    )


def with_entities(post: XPost) -> XPost:
    """The post with the hashtags, mentions and cashtags that X recognizes in its text.

    As X's twitter-text does for what stands between spaces: a hashtag has a letter, a username is
    of letters, digits and underscores, and what follows it belongs to the text.
    """
    tags = regex.findall(r"(?<![^\s(,.])[#＃]([\p{L}\p{M}\p{N}_]*[\p{L}\p{M}][\p{L}\p{M}\p{N}_]*)",
                         post.text)  # fmt: skip
    names = re.findall(r"(?<![^\s(,.])[@＠]([A-Za-z0-9_]{1,15})(?![A-Za-z0-9_@])", post.text)
    cash = re.findall(r"(?<!\S)\$([A-Za-z]{1,6})(?![A-Za-z0-9_])", post.text)
    return replace(
        post,
        hashtags=(*post.hashtags, *tags),
        mentions=(*post.mentions, *names),
        cashtags=(*post.cashtags, *cash),
    )
