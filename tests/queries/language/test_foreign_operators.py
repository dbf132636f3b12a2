"""What people bring along from other tools and other languages: each form is told what to write.

The forms are those of the public help pages of Brandwatch, Meltwater, Talkwalker, Sprinklr, X,
Google, Kibana (KQL) and Lucene.
"""

import pytest

from queries.language.ast import And, Node, Or, Phrase
from queries.language.errors import QueryError
from queries.language.foreign_fields import is_foreign
from queries.language.format import format_query
from queries.language.parser import parse
from queries.tools.explain import explain

REFUSED = [
    # Brandwatch
    ("((velmora OR corvane) AND outage)~8", "no distance", "NEAR/8"),
    ("(velmora AND (box OR router))~12 AND lang:de", "no distance", "NEAR/12"),
    ("velmora AND authorGender:M", "no field", "nothing is guessed"),
    ("continent:asia AND velmora", "no field", "country:"),
    ("velmora AND city:lyon", "no field", "names as words"),
    ("pageType:forum AND velmora", "no field", "'source:'"),
    ("authorFollowers:[100 TO 900]", "no field", "'followers:'"),
    ("authorVerifiedType:business", "no field", "'verified:'"),
    ("engagementType:RETWEET", "not a value", "engagementType:repost"),
    ("engagementType:comment", "not a value", "engagementType:reply"),
    ("reachEstimate:[100 TO 200]", "no field", "followers:>="),
    ("minuteOfDay:[600 TO 660]", "no field", "date:["),
    ("monthlyVisitors:[1000 TO 5000]", "no field", "site:("),
    ("blogName:velmora", "no field", "'publisher:'"),
    ("subredditTitle:velmora", "no field", "'community:'"),
    ("velmora AND imageType:logo", "no field", "filled"),
    # Meltwater
    ("velmora near/4 refund", "not an operator", "NEAR/4"),
    ("velmora NEAR refund", "not an operator", "NEAR/5"),
    ("velmora ONEAR/3 refund", "not an operator", "NEAR/3f"),
    ("velmora ANDNOT refund", "not an operator", "AND NOT"),
    ("velmora^9 OR corvane", "no meaning", "no weights"),
    ("headline:velmora", "no field", "'title:'"),
    # Talkwalker, Sprinklr
    ("velmora -refund", "not an operator", "NOT"),
    ("velmora – refund", "not an operator", "NOT"),
    ("velmora !refund", "not an operator", "NOT"),
    ("velmora NEAR6 refund", "not an operator", "NEAR/6"),
    ("sourcetype:blog AND velmora", "no field", "'source:'"),
    ("sentiment:-1 AND velmora", "not a value", "sentiment:negative"),
    ("sentiment:pos AND velmora", "not a value", "sentiment:positive"),
    ("engagement:>50 AND velmora", "no field", "likes:>=10"),
    ("velmora && refund", "not an operator", "AND"),
    ("velmora + refund", "not an operator", "AND"),
    # X
    ("from:velmora", "no field", "'author:'"),
    ("to:velmora", "no field", "'mentions:'"),
    ("velmora min_faves:40", "no field", "likes:>=10"),
    ("velmora AND min_retweets:7", "no field", "reposts:>=10"),
    ("velmora AND since:2026-02-01", "no field", "date:>="),
    ("velmora AND until:2026-02-09", "no field", "date:<"),
    ("velmora AND filter:replies", "no field", "engagementType:reply"),
    ("velmora AND has:media", "no field", "filled"),
    ("velmora AND is:quote", "no field", "engagementType:quote"),
    ("velmora AND place_country:DE", "no field", "'country:'"),
    ("velmora AND point_radius:[2 48 9km]", "no field", "country:FR"),
    ("velmora AND bio:engineer", "no field", "authorName:"),
    ("velmora AND sample:5", "no field", "read whole"),
    ("retweets_of:velmora", "no field", "engagementType:repost"),
    ("conversation_id:77", "no field", "'thread:'"),
    ("velmora AND context:131.9", "no field", "entity:"),
    # Google
    ("intitle:velmora", "no field", "'title:'"),
    ("allintext:velmora", "no field", "'text:'"),
    ("inurl:velmora", "no field", "'url:'"),
    ("velmora AROUND(4) refund", "not an operator", "NEAR/5"),
    ("velmora | corvane", "not an operator", "OR"),
    ("filetype:pdf velmora", "no field", "format:article"),
    ("velmora after:2026-02-01", "no field", "date:>="),
    ("after:2026-02-01 AND velmora", "no field", "date:>="),
    ("'velmora box'", "single quotation marks", '"velmora box"'),
    ("velmora AND ‘box error’", "single quotation marks", '"box error"'),
    # LexisNexis, Factiva
    ("velmora w/7 refund", "not an operator", "NEAR/7"),
    ("velmora pre/2 refund", "not an operator", "NEAR/2f"),
    ("velmora /s refund", "not an operator", "NEAR/20"),
    ("velmora WITHIN/9 refund", "not an operator", "NEAR/9"),
    # KQL and Lucene
    ("brands : velmora", "colon", "without spaces"),
    ("sentiment.label: negative", "no field", "'sentiment:'"),
    ("author.followers >= 10 ", "no meaning", "likes:>10"),
    ("entities.text:velmora", "no field", "'entity:'"),
    ("_exists_:author", "no field", "filled"),
    ("velmora AND _missing_:title", "no field", "filled"),
    ("text:*", "filled", "text:orange"),
    ("/velm[ao]ra/", "regular expressions", "wildcard"),
    ("text:/velm.*/", "regular expressions", "wildcard"),
    ("velmoar~2", "no meaning", "wildcard"),
    ("(velmora OR corvane)^3", "no weight", "not ranked"),
    ("date:>now-2d", "not a date", "relative to now"),
    ("date:24/12/2025", "not a date", "date:2025-12-24"),
    ("followers:25k", "not a number", "followers:25000"),
    ("views:>2,500", "not a number", "views:2500"),
    ("likes:50+", "not a number", "likes:>=50"),
    # Spellings of ours
    ("lang=de AND velmora", "colon between", "lang:de"),
    ("velmora AND sentiment==negative", "colon between", "sentiment:negative"),
    ("velmora AND kind=reply", "no field", "'engagementType:'"),
    ("velmora NOTrefund", "no space", "NOT refund"),
    ("velmora AND followers:2000..", "a bound", "followers:>=2000"),
    ("velmora AND followers:..2000", "a bound", "followers:<=2000"),
    ("velmora AND likes:20-50", "not a number", "likes:20..50"),
    ("velmora AND likes:[20,50]", "not a range", "likes:[20 TO 50]"),
    ("velmora AND date:[2026-01-02 to 2026-01-05]", "not a range", "[2026-01-02 TO 2026-01-05]"),
    ("velmora AND site:*.a.example", "no wildcard", "site:a.example"),
    ("sentiment:[negative TO neutral]", "not a range", "sentiment:(negative OR neutral)"),
    ("velmora AND sentiment:<0", "not a range", "sentiment:(negative OR neutral)"),
    ("*:*", "every post", "must contain"),
    ("velmora SENTENCE refund", "not an operator", "NEAR/20"),
    ("velmora BEFORE refund", "not an operator", "NEAR/5f"),
    ("any:velmora", "no field", "without a field"),
    ("velmora AND type:video", "no field", "format:video"),
    # Fields of other languages
    ("velmora AND langue:fr", "no field", "'lang:'"),
    ("velmora AND tonalité:négatif", "no field", "'sentiment:'"),
    ("velmora AND país:MX", "no field", "'country:'"),
    ("velmora AND Titel:Ausfall", "no field", "'title:'"),
    ("velmora AND fuente:x", "no field", "'source:'"),
    ("velmora AND भाषा:hi", "no field", "'lang:'"),
    # Values in other words
    ("velmora AND emotion:colère", "not a value", "emotion:anger"),
    ("velmora AND intent:queja", "not a value", "intent:complaint"),
    ("velmora AND format:Rezension", "not a value", "format:review"),
    ("velmora AND verified:oui", "not a value", "verified:true"),
    ("velmora AND aspect:ritardo", "not a value", "aspect:delay"),
    ("velmora AND lang:unknown", "not a value", "lang:und"),
    ("velmora AND country:EMEA", "not a value", "country:(FR OR"),
    ("velmora AND rating:4/5", "not a mark", "rating:4"),
    ("velmora AND rating:★★★", "not a mark", "rating:3"),
    ("velmora AND rating:2étoiles", "not a mark", "rating:2"),
    ('velmora AND likes:"20"', "needs a range", "leave the quotation marks out"),
    # Operators of other languages
    ("velmora OU corvane", "not an operator", "write OR"),
    ("velmora ET panne", "not an operator", "write AND"),
    ("velmora SAUF jeu", "not an operator", "write NOT"),
    ('"velmora box" ODER corvane', "not an operator", "write OR"),
    ("velmora und corvane", "not an operator", "write AND"),
    ("velmora OHNE spiel", "not an operator", "write NOT"),
    ("velmora Y factura", "not an operator", "write AND"),
    ("velmora O corvane", "not an operator", "write OR"),
    ("velmora E fattura", "not an operator", "write AND"),
    ("velmora NON gioco", "not an operator", "write NOT"),
    ("velmora NÃO jogo", "not an operator", "write NOT"),
    ("velmora أو corvane", "not an operator", "write OR"),
    ("velmora और corvane", "not an operator", "write AND"),
    ("velmora VEYA corvane", "not an operator", "write OR"),
    # East Asian keyboards
    ("velmora、corvane", "no meaning", "write OR"),
    ("velmora；corvane", "no meaning", "write OR"),
    ("velmora ｜ corvane", "not an operator", "OR"),
    # A value of another field
    ("emotion:positive", "not a value", "sentiment:positive"),
    ("sentiment:joy", "not a value", "emotion:joy"),
    ("aspect:question", "not a value", "intent:question"),
    ("intent:delivery", "not a value", "aspect:delivery"),
    ("format:quote", "not a value", "engagementType:quote"),
    ("engagementType:article", "not a value", "format:article"),
    ("lang:bluesky", "not a value", "source:bluesky"),
    ("lang:gb", "not a value", "lang:en or country:GB"),
    ("lang:us", "not a value", "lang:en or country:US"),
    ("lang:mexico", "not a value", "lang:es"),
    ("country:german", "not a value", "lang:de"),
    ("bot:yes", "not a value", "bot:true"),
]


@pytest.mark.parametrize(("query", "says", "hint"), REFUSED, ids=lambda text: str(text))
def test_a_form_of_another_tool_is_refused_with_what_to_write(
    query: str, says: str, hint: str
) -> None:
    with pytest.raises(QueryError) as caught:
        parse(query)
    assert says in caught.value.message
    assert hint in caught.value.hint


READ = [
    ("（velmora OR corvane） AND outage", "(velmora OR corvane) AND outage"),
    ("lang:（fr OR de） AND velmora", "lang:(fr OR de) AND velmora"),
    ("＂velmora box＂", '"velmora box"'),
    ("« velmora box » AND outage", '"velmora box" AND outage'),
    ("»velmora box« AND outage", '"velmora box" AND outage'),
    ("「velmora box」 OR corvane", '"velmora box" OR corvane'),
    ("title:«velmora box»", 'title:"velmora box"'),
    ("velmora　AND　outage", "velmora AND outage"),
    ("lang:fra AND velmora", "lang:fr AND velmora"),
    ("lang:Deutsch AND velmora", "lang:de AND velmora"),
    ("site:https://a.example AND velmora", "site:a.example AND velmora"),
    ('country:"United Kingdom" AND velmora', "country:gb AND velmora"),
]


@pytest.mark.parametrize(("written", "plain"), READ)
def test_a_sign_of_another_keyboard_means_what_the_plain_sign_means(
    written: str, plain: str
) -> None:
    assert explain(parse(written)) == explain(parse(plain))
    assert format_query(parse(written)) == format_query(parse(plain))


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("OU AND velmora", And),
        ("velmora OR y", Or),
        ('"velmora und corvane"', Phrase),
        ("velmora AND w5", And),
        ("velmora AND within", And),
        ('"R AND D"', Phrase),
        ("C3PO:1", Phrase),
        ("velmora.example:8080", Phrase),
        ("l’orange", Phrase),
        ("E=mc2", Phrase),
        ("ORANGE OR ANDES", Or),
        ("velmora AND (notes OR note)", And),
        ("n°:5", Phrase),
    ],
)
def test_words_that_are_operators_elsewhere_stay_words(query: str, kind: type[Node]) -> None:
    assert isinstance(parse(query), kind)


def test_no_field_of_ours_is_told_as_one_of_another_tool() -> None:
    from queries.language.fields import FIELDS

    assert not [name for name in FIELDS if is_foreign(name)]


@pytest.mark.parametrize("name", ["orange", "velmora", "hotline", "xyzzy"])
def test_a_word_before_a_colon_is_not_told_as_a_field_that_it_hardly_resembles(name: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(f"{name}: outage")
    assert "did you mean" not in caught.value.hint
    assert f'"{name}: …"' in caught.value.hint
