"""Queries and texts on which a back end once disagreed with the reference, or easily could."""

from schemas.bounds import MAX_READ

_FILLER = "-" * (MAX_READ - 4)
"""Without a token; queries search four code points after it."""

_TABLE: list[tuple[str, list[str], list[str]]] = [
    # Query, texts that match, texts that do not.
    # Alternatives within a NEAR within a NEAR: each has its own shortest stretches.
    ("((x OR a) NEAR/5f b) NEAR/0 c", ["c x a b"], []),
    ("(x NEAR/5f (a OR b)) NEAR/0f c", ["x a b c"], []),
    ("((x OR a) NEAR/0f b) NEAR/0 c", [], ["c x a b"]),
    ("(a NEAR/5 b) NEAR/0 c", ["c b a b"], []),
    ("(a NEAR/5f b) NEAR/0 c", [], ["c a a b"]),
    ("((a NEAR/3f b) NEAR/3f (c OR d)) NEAR/0f e", ["a b c d e"], []),
    ("((a NEAR/3f b) NEAR/3f c) NEAR/0f e", [], ["a b c d e"]),
    # Alternatives of different lengths: the shorter one does not hide the longer one.
    ('("air france" OR air) NEAR/0f retard', ["air france retard"], []),
    ('(air OR "air france") NEAR/0 retard', ["retard air france"], []),
    ('("a b" OR "a b c") NEAR/0f d', ["a b c d"], []),
    ('("b c" OR "a b c") NEAR/0 d', ["d a b c"], []),
    # The same on both sides: two places are wanted.
    ("a NEAR/0 a", ["a a"], ["a b a"]),
    ('"a a" NEAR/0 "a a"', ["a a a a"], ["a a a"]),
    ('"a a" NEAR/1 "a a"', ["a a b a a"], ["a a a"]),
    ("(a NEAR/1f b) NEAR/2 (a NEAR/1f b)", [], ["a a b b"]),
    ("(a NEAR/1 b) NEAR/0 (a NEAR/1 b)", ["a b a b"], ["a b a"]),
    ("(a NEAR/0f a) NEAR/0f a", ["a a a"], ["a a"]),
    # Words that a single token can be: each wants a place of its own.
    ('"a a b"~0', ["a b a"], ["a x b a"]),
    ('"a a b"~1', ["a x b a"], []),
    ('"a a b"~5', [], ["a b b b"]),
    ('"été ete"~3', ["été été"], ["été", "ete ete"]),
    ('"été ete"~0', ["ete été"], []),
    ('"box* boxes"~2', ["boxes box"], ["boxes", "box box"]),
    # The shortest of all orders counts, not of each on its own.
    (
        '(a OR "d été*" OR ete) NEAR/0 ("abc Été abc* a"~2 NEAR/2f abc)',
        [],
        ["abc abcd Été a abcd abc abc abcd d abc a d"],
    ),
    (
        '"d été été"~2 NEAR/2 ({abc} OR ({été} OR {ete ete}~5 OR bt) OR (a OR c))',
        [],
        ["b d Été Été d Été b d b d c Été b b"],
    ),
    # Braces around small letters: none but these.
    ("{bt}", ["bt BT"], ["BT"]),
    ("{ete}", [], ["été"]),
    ("{abonn*}", ["abonné"], ["Abonné"]),
    ("{abon*é}", ["abonné"], ["abonne"]),
    ("{free mobile}", ["Free mobile free mobile"], ["Free mobile free Mobile"]),
    ("{free} NEAR/0 {Mobile}", ["free Mobile"], ["Free Mobile x free"]),
    # Forms: composed and decomposed, full-width, accents inside patterns, marks alone.
    ("été", ["e\u0301te\u0301"], []),
    ("{Été}", ["E\u0301te\u0301"], []),
    ("orange", ["ＯＲＡＮＧＥ"], []),
    ("{orange}", [], ["ｏｒａｎｇｅ"]),
    ("été*", ["ÉTÉS"], ["etes"]),
    ("straße", ["STRASSE"], []),
    ("كتاب", ["كِتَاب"], []),
    ("❤", ["❤️"], []),
    ("👍🏽", [], ["👍"]),
    ("日本 NEAR/0 語", ["日本語"], []),
    # Patterns, and what Elasticsearch takes for a pattern or an escape.
    ("abc*", ["abc", "abcd"], ["ab"]),
    ("abc?", ["abcd"], ["abc"]),
    ("abc*d*f", ["abcxdxf"], ["abcxfxd"]),
    ("abc*a?", ["abcxab"], ["abcxa"]),
    ("abc*🍊", ["abcd🍊"], []),
    ("https://a.example/x?y=*", ["https://a.example/x?y=*"], []),
    ("https://a.example/x\\y", ["https://a.example/x\\y"], []),
    ("https://a.example/x*", [], ["https://a.example/xy"]),
    # Names that signs make.
    (
        "C&A",
        ["C&A soldes", "c & a", "C&amp;A", "C＆A"],
        ["Vitamine C à prendre", "C'a", "#CA", "C A"],
    ),
    ("AT&T", ["at&amp;t outage"], ["look at t-shirts"]),
    ("E.ON", ["e.on"], ["lettre e on"]),
    ("C++", ["C++ devs"], ["vitamin C", "C# devs"]),
    ("C#", ["C# devs"], ["C++", "vitamin C"]),
    ("{.NET}", ["le .NET 8"], ["revenu NET", ".net"]),
    ("Canal+", ["le Canal+"], ["le canal"]),
    ("C&A NEAR/1 soldes", ["soldes chez C&A"], ["C à soldes"]),
    ("McDonald's", ["McDonald’s", "mcdonalds"], ["McDonald"]),
    ("{McDonald's}", ["McDonalds"], ["mcdonalds"]),
    ("M&Ms", ["M&M's", "m&ms"], ["m ms"]),
    ("McDonald's NEAR/1 panne", ["panne chez McDonalds"], []),
    ("orange's", ["Orange's"], ["oranges"]),
    # Letters that do not decompose, and other spellings of letters.
    ("orsted", ["Ørsted", "ØRSTED"], []),
    ("ørsted", ["ØRSTED"], ["orsted"]),
    ("{Ørsted}", ["Ørsted"], ["ørsted", "Orsted"]),
    ("{ørsted}", ["ørsted"], ["Ørsted", "orsted"]),
    ("œuvre", ["oeuvre", "ŒUVRE"], []),
    ('"yapı kredi"', ["YAPI KREDİ", "Yapı Kredi"], ["yapi kredi"]),
    ('"yapi kredi"', ["YAPI KREDİ", "Yapı Kredi"], []),
    ("ırmak NEAR/1 kredi", ["Irmak ve KREDİ"], ["irmak kredi"]),
    ("ελλάδα", ["ΕΛΛΑΔΑ", "Ελλάδα"], ["ελλαδα"]),
    ("ایرانسل", ["ايرانسل"], []),
    ("شركة", ["شركه"], []),
    ("2024", ["٢٠٢٤"], []),
    # What is written together with a word.
    ("اورنج", ["شركة أورنج", "لأورنج", "والأورنج", "باورنج"], ["اورنجي"]),
    ("الاهلي", ["للأهلي", "الأهلى", "والأهلي"], ["أهلي"]),
    ("삼성", ["삼성은", "삼성에서", "삼성"], ["삼성전자", "삼성가"]),
    ("{삼성}", ["삼성"], ["삼성은"]),
    ("삼성*", ["삼성전자"], []),
    ('"삼성 폰"', ["삼성의 폰"], ["삼성전자 폰"]),
    ('"삼성 삼성은"~1', ["삼성은 삼성은", "삼성은 a 삼성"], ["삼성은", "삼성 삼성"]),
    ("삼성 NEAR/0f 삼성은", ["삼성 삼성은", "삼성은 삼성은"], ["삼성은 삼성"]),
    # Borders of words.
    ("LG", ["LG가", "LG전자"], []),
    ("ソニー", ["ソニーXperia買った", "ｿﾆｰ2024"], []),
    ("Xperia", ["ソニーXperia買った"], []),
    ("ガス", ["ｶﾞｽ代"], []),
    ("velmora", ["Vel\u00admora", "Vel\u200bmora", "Velmora®"], []),
    ('"velmora box"', ["Velmora® Box", "Velmora™-Box"], []),
    ("همراه", ["همراه\u200cاول"], []),
    ("@velmora", ["@velmora.Toujours", "@velmora-fix"], ["@velmora.example"]),
    ("orange", ["orange.fr"], ["jean@orange.fr"]),
    ("👍", ["👍🏽"], []),
    ("tag:velmora", ["#VelmoraDown", "#BoycottVelmora", "#velmoragate"], ["velmora", "#velmorale"]),
    ("tag:velmora*", ["#velmoraleaks"], ["#novelmora"]),
    # The first part of a text is searched; a word across its end is cut there.
    ("far", [_FILLER + " far", _FILLER + " farther"], [_FILLER + "  far"]),
    ("far*", [_FILLER + " farther"], [_FILLER + "  farther"]),
    ('"x far"', [_FILLER[2:] + " x far"], [_FILLER[1:] + " x far"]),
    ("x AND NOT far", [_FILLER[1:] + " x far"], [_FILLER[2:] + " x far"]),
]
CASES = [
    (query, text, expected)
    for query, matching, other in _TABLE
    for texts, expected in ((matching, True), (other, False))
    for text in texts
]
