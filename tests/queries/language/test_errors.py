"""The place, message and hint of each mistake."""

import re
from pathlib import Path

import pytest

from queries.language.errors import QueryError, caret, shorten
from queries.language.parser import parse
from text.spelling import nearest

PAGE = (Path(__file__).parents[3] / "docs" / "queries.md").read_text("utf-8")
# Each query has its mistake between « and ».
GOLDEN = [
    ("", "the query is empty", "write what to find"),
    ("a AND b «OR» c", "AND and OR are mixed", "(a OR b) AND c"),
    ("a OR b «AND» c", "AND and OR are mixed", "(a OR b) AND c"),
    ("a OR b «»NOT c", "AND and OR are mixed", "before NOT"),
    ("hashtags:(a b «OR» c)", "AND and OR are mixed", "no operator means AND"),
    ("«orange sosh»", "no operator between", 'orange AND sosh, orange OR sosh, or "orange sosh"'),
    ("(a«) b»", "no operator between", "write AND or OR"),
    ('«"a b" c»', "no operator between", "AND or OR"),
    ("lang:«fr|en b»", "no operator between", "write AND or OR"),
    ("a «and» b", "operator only in upper case", 'write AND for the operator, or "and"'),
    ("a «Or» b", "operator only in upper case", "write OR"),
    ("«not» b", "operator only in upper case", "write NOT"),
    ("lang:(fr «or» en)", "operator only in upper case", "write OR"),
    ("«NOT a»", "every post except", "orange AND NOT"),
    ("a OR «NOT b»", "every post except", "beside OR"),
    ("«NOT a» AND NOT b", "every post except", "orange AND NOT"),
    ("title:(«NOT a»)", "contains only a NOT", "NOT title:"),
    ("(«a AND b») NEAR/5 c", "AND cannot be an operand of NEAR", "(a NEAR/5 c) AND (b NEAR/5 c)"),
    ("a NEAR/5 «NOT» b", "NOT cannot", "AND NOT c"),
    ("a NEAR/5 («NOT b»)", "NOT cannot", "AND NOT c"),
    ("a NEAR/5 «title:b»", "'title:' cannot be an operand of NEAR", "title:(a NEAR/5 b)"),
    ("a NEAR/5 «lang:fr»", "'lang:' cannot be an operand of NEAR", "AND"),
    ("a NEAR/5 «likes:>5»", "values", "AND"),
    ("a NEAR/5 b «NEAR/5» c", "ambiguous", "(a NEAR/5 b) NEAR/5 c"),
    ("a «NEAR» b", "not an operator", "NEAR/5"),
    ("a «near/3» b", "not an operator", "NEAR/3"),
    ("a «NEAR/3x» b", "not an operator", "NEAR/3"),
    ("a «ONEAR/3» b", "not an operator", "NEAR/3f"),
    ("a «NEAR/101» b", "0 to 100", "write AND"),
    ('"a b"«~101»', "0 to 100", "write AND"),
    ('"a"«~5»', "one word has no distance", "leave ~5 out"),
    ("«*phone»", "at least 3 letters", "the words with OR"),
    ("«ip*»", "at least 3 letters", "oran*"),
    ("bo'«s*»", "at least 3 letters", "oran*"),
    ('hashtags:("a b" «c*»)', "at least 3 letters", "oran*"),
    ("«#ve*»", "at least 3 letters", "oran*"),
    ("«$AA*»", "cannot have a wildcard", "OR between"),
    ('"ma box«?»"', "neither a wildcard nor searched", "leave it out"),
    ('"ma box «?»"', "neither a wildcard nor searched", "leave it out"),
    ("{box«?»}", "neither a wildcard nor searched", "leave it out"),
    ("«likes:[10 TO 2]»", "reversed", "likes:[2 TO 10]"),
    ("«date:[2026-03-02 TO 2026-03-01]»", "reversed", "date:["),
    ("likes:«[1 2]»", "not a range", "likes:[500 TO 100000]"),
    ("likes:«[* TO *]»", "needs a bound", "likes:>500"),
    ("likes:«[»1 TO 5", "never closed", "likes:[500"),
    ("likes:«<0»", "below 0", "likes:[500"),
    ("likes:>«1k»", "not a number", "likes:>500"),
    ("likes:>«-5»", "not a number", "likes:>500"),
    ("likes:«..»", "needs a bound", "likes:>500"),
    ("likes:«*..*»", "needs a bound", "likes:>500"),
    ("likes:5..«many»", "not a number", "likes:>500"),
    ("«likes:5..2»", "reversed", "likes:[2 TO 5]"),
    ("rating:«<1»", "below 1", "rating:>=4"),
    ("rating:«>5»", "above 5", "rating:>=4"),
    ("rating:>«8»", "not a mark from 1 to 5, whatever the platform's scale", "rating:<3"),
    ("rating:«3,5»", "not a mark", "rating:3.5"),
    ("rating:«0.5»..2", "not a mark", "rating:1..2"),
    ("aspect:«pricing»", "not a value", "did you mean aspect:price?"),
    ("aspect:«pric=negativ»", "not a value", "did you mean aspect:price=negative?"),
    ("aspect:«price=bad»", "not a value", "after it negative, neutral, positive"),
    ("aspect:«=negative»", "not a value", "Before = it takes price, delay"),
    ("aspect:«pri*»", "not a value", "did you mean aspect:price?"),
    ("intent:«complain»", "not a value", "did you mean intent:complaint?"),
    ("emotion:«angry»", "not a value", "anger, fear, joy"),
    ("towards:«negativ»", "not a value", "did you mean towards:negative?"),
    ("towards:«velmora»", "not a value", "for one brand as towards:velmora=negative"),
    ("towards:«velmora=neg»", "not a value", "Before = it takes the id of a brand"),
    ("format:«reviews»", "not a value", "did you mean format:review?"),
    ("emotion:(«anger AND fear»)", "at most one value", "OR"),
    ("«subreddit»:velmora", "no field", "did you mean 'community:'?"),
    ("«conversation_id»:1", "no field", "did you mean 'thread:'?"),
    ("«aspects»:price", "no field", "did you mean 'aspect:'?"),
    ("date:>«2026-02-30»", "not a date", "date:>2026-03-01"),
    ("date:>«9999-12-31»", "last time", "date:["),
    ("«folowers»:>5", "no field 'folowers'", "did you mean 'followers:'?"),
    ("«language»:fr", "no field", "did you mean 'lang:'?"),
    ("«xyzzy»:fr", "no field", "the fields are text, title"),
    ("lang:«klingon»", "not a value", "lang:fr"),
    ("country:«xx»", "not a value", "country:FR"),
    ("site:«example.org/page»", "not a value", 'url:"example.org/page"'),
    ("engagementType:«repply»", "not a value", "did you mean engagementType:reply?"),
    ("verified:«yes»", "not a value", "true, false"),
    ("site:«lemon*»", "takes no wildcard", "whole"),
    ("author:«a*»", "at least 3 letters", "oran*"),
    ("source:«x,y»", "comma", "OR"),
    ("lang:(«fr en»)", "at most", "lang:(… OR …)"),
    ("«lang:»", "followed by nothing", "lang:"),
    ("«title:» AND b", "followed by nothing", "title:orange"),
    ("title:(«lang:»fr)", "inside 'title:'", "AND lang:"),
    ("lang:(fr «title:x»)", "inside 'lang:'", "close the parenthesis"),
    ('a AND «"»b', "quotation mark is never closed", 'close it with "'),
    ("a AND «{»b", "brace is never closed", "close it with }"),
    ("a AND «(»b", "parenthesis is never closed", "close it with )"),
    ("a «<<<» b", "comment is never closed", "close it with >>>"),
    ("a «>>>»", "closes no comment", "<<<"),
    ("a«)»", "closes nothing", "leave it out"),
    ("a «]»", "no meaning here", "likes:[10 TO *]"),
    ("a «>» 5", "no meaning here", "likes:>10"),
    ("«()»", "parentheses are empty", "leave them out"),
    ("a «AND»", "nothing after AND", "write a term"),
    ("(a OR «)»", "between OR and )", "leave the operator out"),
    ("«AND» a", "no term before AND", "leave the operator out"),
    ("a OR «OR» b", "between OR and OR", "leave the operator out"),
    ("NOT «NOT» a", "two NOT", "leave both out"),
    ("«-»box", "'-' is not an operator", "write NOT"),
    ("«+»box", "'+' is not an operator", "leave the + out"),
    ("a «&&» b", "'&&' is not an operator", "write AND"),
    ("a «||» b", "'||' is not an operator", "write OR"),
    ("a«|»b", "no meaning inside a term", "write OR"),
    ("a«,» b", "no meaning inside a term", "write OR"),
    ("box«~»2", "no meaning inside a term", "wildcard"),
    ("«...»", "holds no term", "punctuation"),
    ("a OR «#»", "holds no term", "#hashtag"),
    ('«""»', "no term", "write a word"),
]  # fmt: skip


@pytest.mark.parametrize(("marked", "says", "hint"), GOLDEN, ids=lambda t: str(t))
def test_an_error_points_at_the_place(marked: str, says: str, hint: str) -> None:
    query = marked.replace("«", "").replace("»", "")
    with pytest.raises(QueryError) as caught:
        parse(query)
    error = caught.value
    assert says in error.message
    assert hint in error.hint
    if "«" in marked:
        assert (error.start, error.end) == (marked.index("«"), marked.index("»") - 1)


_TABLE = PAGE.partition("| mistake |")[2].partition("\n\n")[0]
MISTAKES = re.findall(r"^\| (`.+) \| (`.+) \|$", _TABLE, re.MULTILINE)


@pytest.mark.parametrize(("wrong", "right"), MISTAKES)
def test_the_mistakes_of_the_page_are_mistakes_and_what_to_write_is_not(
    wrong: str, right: str
) -> None:
    for query in re.findall(r"`([^`]+)`", wrong):
        with pytest.raises(QueryError):
            parse(query)
    for query in re.findall(r"`([^`]+)`", right):
        parse(query)


def test_the_page_has_mistakes_and_the_error_that_is_shown() -> None:
    assert len(MISTAKES) > 12
    query = "box AND panne OR coupure"
    with pytest.raises(QueryError) as caught:
        parse(query)
    assert f"```\n{caught.value.show(query)}\n```" in PAGE


@pytest.mark.parametrize(
    ("text", "start", "end", "drawn"),
    [
        ("a b", 2, 3, "  a b\n    ^"),
        ("a\nb c\nd", 4, 5, "  line 2: b c\n            ^"),
        ("日本 x", 3, 4, "  日本 x\n       ^"),
        ("e\u0301 x", 3, 4, "  e\u0301 x\n    ^"),
        ("", 0, 0, "  \n  ^"),
        ("ab", 2, 3, "  ab\n    ^"),
        ("a\tb\x1b[", 2, 3, "  a b [\n    ^"),
    ],
)
def test_carets(text: str, start: int, end: int, drawn: str) -> None:
    assert caret(text, start, end) == drawn


def test_a_long_line_is_shown_in_part() -> None:
    shown = caret("x" * 50_000 + "y" + "z" * 50_000, 50_000, 100_001)
    line, carets = shown.splitlines()
    assert len(line) < 140
    assert line[carets.index("^")] == "y"


def test_words_that_are_near() -> None:
    assert nearest("folowers", ["followers", "likes"]) == "followers"
    assert nearest("zzz", ["followers", "likes"]) is None
    assert shorten("a\nb") == "a b"
    assert shorten("x" * 100, 10) == "xxxxxxxxx…"
