"""The fields of other tools: Brandwatch, Talkwalker, Meltwater, X, Google and Kibana.

Each has a field here, another form, or no counterpart; the hint of the error says which. Names and
meanings are from the public pages that ``docs/queries.md`` compares.
"""

from collections.abc import Iterable
from typing import Final

from text.spelling import nearest

_LIKENESS: Final = 0.75
"""Below it a near name is chance: "orange" is not "rating"."""
# Name elsewhere, in lower case, to the field here.
_SAME: Final = {
    "language": "lang", "published": "date", "time": "date", "created": "date",
    "created_at": "date", "domain": "site", "host": "site", "inurl": "url", "allinurl": "url",
    "url_contains": "url", "user": "author", "from": "author", "username": "author",
    "screen_name": "author", "to": "mentions", "hashtag": "hashtags", "mention": "mentions",
    "location": "country", "place_country": "country", "profile_country": "country",
    "sourcetype": "source", "sourceid": "source", "platform": "source", "pagetype": "source",
    "contentsource": "source", "links": "url", "link": "url", "raw": "text", "content": "text",
    "body": "text", "intext": "text", "allintext": "text", "message": "text", "fulltext": "text",
    "headline": "title", "intitle": "title", "allintitle": "title", "subject": "title",
    "name": "authorName", "bio_name": "authorName", "authorfollowers": "followers",
    "followers_count": "followers", "user_followers": "followers", "authorverified": "verified",
    "authorverifiedtype": "verified", "is_bot": "bot", "retweets": "reposts", "shares": "reposts",
    "comments": "replies", "comment_count": "replies", "favorites": "likes", "likecount": "likes",
    "upvotes": "score", "downvotes": "dislikes", "bookmarks": "saves", "impressions": "views",
    "viewcount": "views", "stars": "rating",
    "kind": "engagementType", "posttype": "engagementType", "tonality": "sentiment",
    "tone": "sentiment", "mood": "emotion", "topic": "aspect", "subreddit": "community",
    "subreddittitle": "community", "channel": "community", "group": "community",
    "forum": "community", "conversation_id": "thread", "conversation": "thread", "app": "about",
    "product": "about", "newspaper": "publisher", "outlet": "publisher", "blogname": "publisher",
    "publication": "publisher", "brands": "brand", "brand_sentiment": "towards",
    "aspect_sentiment": "aspect", "intents": "intent", "objects": "entity", "sentiment.label":
    "sentiment", "emotion.label": "emotion", "aspects.label": "aspect", "author.handle": "author",
    "author.name": "authorName", "author.followers": "followers", "author.verified": "verified",
    "author.bot": "bot", "author.id": "author", "metrics.likes": "likes", "metrics.reposts":
    "reposts", "metrics.replies": "replies", "metrics.views": "views", "metrics.quotes": "quotes",
    "entities.text": "entity", "entities.id": "entity", "entities.label": "entity",
    "community.name": "community", "community.id": "community", "rating.share": "rating",
    "words.text": "text", "words.title": "title", "values.source": "source",
}  # fmt: skip
# The same fields in other languages.
_TRANSLATED: Final = {
    "langue": "lang", "idioma": "lang", "sprache": "lang", "lingua": "lang", "língua": "lang",
    "اللغة": "lang", "भाषा": "lang", "pays": "country", "país": "country", "land": "country",
    "paese": "country", "auteur": "author", "autor": "author", "autore": "author",
    "auteure": "author", "fuente": "source", "quelle": "source", "fonte": "source",
    "tonalité": "sentiment", "sentimiento": "sentiment", "sentimento": "sentiment",
    "stimmung": "sentiment", "tonalität": "sentiment", "titre": "title", "título": "title",
    "titolo": "title", "titel": "title", "texte": "text", "texto": "text", "testo": "text",
    "fecha": "date", "datum": "date", "data": "date", "marque": "brand", "marca": "brand",
    "marke": "brand", "abonnés": "followers", "seguidores": "followers", "seguaci": "followers",
    "émotion": "emotion", "emoción": "emotion", "emozione": "emotion", "emoção": "emotion",
    "note": "rating", "bewertung": "rating", "valoración": "rating", "voto": "rating",
    "sitio": "site", "webseite": "site", "sito": "site", "mots-dièse": "hashtags",
    "communauté": "community", "comunidad": "community", "comunità": "community",
}  # fmt: skip
_FILLED: Final = (
    "no query asks whether a field is filled: write the words or values that it must have, such as"
    " title:orange"
)
_PLACE: Final = "no field holds places within a country: write country:FR, or the names as words"
_KINDS: Final = (
    "write engagementType:repost, engagementType:reply or engagementType:quote for the kind of post"
)
_EITHER: Final = (
    "write engagementType:repost, engagementType:reply or engagementType:quote, verified:true, or "
    "format:video for the form"
)
_EVERYWHERE: Final = "write the words without a field: they are searched in text and title"
_PEOPLE: Final = "nothing is guessed about people: leave it out"
# Name elsewhere, in lower case, to what to write.
_OTHERWISE: Final = {
    "since": "write date:>=2026-03-01", "after": "write date:>=2026-03-01",
    "since_time": "write date:>=2026-03-01T12:00Z", "from_date": "write date:>=2026-03-01",
    "until": "write date:<2026-03-01", "before": "write date:<2026-03-01",
    "until_time": "write date:<2026-03-01T12:00Z", "to_date": "write date:<2026-03-01",
    "since_id": "write date:>=2026-03-01", "max_id": "write date:<2026-03-01",
    "min_faves": "write likes:>=10", "min_likes": "write likes:>=10",
    "min_retweets": "write reposts:>=10", "min_reposts": "write reposts:>=10",
    "min_replies": "write replies:>=10", "min_views": "write views:>=10",
    "retweets_of": "write engagementType:repost; the account that is repeated is no field",
    "retweets_of_user_id": "write engagementType:repost; the account that is repeated is no field",
    "in_reply_to_tweet_id": 'write thread:"x:…" with the id of the conversation\'s first post',
    "quotes_of_tweet_id": "write engagementType:quote; the post that is quoted is no field",
    "parentpostid": 'write thread:"x:…" with the id of the conversation\'s first post',
    "engagingwith": "write mentions:… for the accounts that a post addresses",
    "engagingwithguid": "write mentions:… for the accounts that a post addresses",
    "list": "write author:(a OR b) with the accounts of the list",
    "is": _EITHER, "type": _EITHER, "all": _EVERYWHERE, "any": _EVERYWHERE, "_all": _EVERYWHERE,
    "keyword": _EVERYWHERE, "keywords": _EVERYWHERE, "query_string": _EVERYWHERE,
    "media": _FILLED, "filter": _KINDS, "include": _KINDS, "exclude": _KINDS,
    "has": _FILLED, "_exists_": _FILLED, "_missing_": _FILLED, "exists": _FILLED,
    "mediatype": _FILLED, "imagetype": _FILLED, "card_name": _FILLED,
    "place": _PLACE, "city": _PLACE, "region": _PLACE, "state": _PLACE, "county": _PLACE,
    "geo": _PLACE, "geocode": _PLACE, "near": _PLACE, "within": _PLACE, "point_radius": _PLACE,
    "bounding_box": _PLACE, "profile_region": _PLACE, "profile_locality": _PLACE,
    "continent": "write country:(FR OR DE OR IT) with the countries that you mean",
    "gender": _PEOPLE, "authorgender": _PEOPLE, "age": _PEOPLE, "profession": _PEOPLE,
    "interest": _PEOPLE, "accounttype": _PEOPLE,
    "bio": "posts do not hold the author's own words about themselves: write authorName:…",
    "url_title": "posts hold the address of a link, not the title of its page: write url:…",
    "url_description": "posts hold the address of a link, not the text of its page: write url:…",
    "context": "write entity:… or brand:… for what was found in the text",
    "category": "write aspect:…, intent:… or a saved query, query:\"its name\"",
    "emoji": "write the emoji itself, as a term",
    "sample": "the stream is read whole: leave it out",
    "minuteofday": "write date:[2026-03-01T12:00Z TO 2026-03-01T13:00Z]",
    "dayofweek": "write date:[2026-03-01 TO 2026-03-02]",
    "reach": "write followers:>=10000 or views:>=10000", "impact": "write followers:>=10000",
    "reachestimate": "write followers:>=10000 or views:>=10000",
    "monthlyvisitors": "write site:(a.example OR b.example) with the sites that you mean",
    "engagement": "write likes:>=10, reposts:>=10 or replies:>=10",
    "filetype": "write format:article or format:video; files are not read",
    "ext": "write format:article or format:video; files are not read",
    "related": "write site:… for a site, or the names as words",
    "cache": "write url:… for the words of an address",
    "guid": 'write url:"…" with the address of the post',
}  # fmt: skip


def is_foreign(name: str) -> bool:
    """Whether another tool has a field of this name."""
    lower = name.lower()
    return lower in _SAME or lower in _OTHERWISE or lower in _TRANSLATED


def field_hint(written: str, known: Iterable[str]) -> str:
    """What to write in place of an unknown field; ``known``: the fields that there are."""
    names, lower = list(known), written.lower()
    if lower in _OTHERWISE:
        return _OTHERWISE[lower]
    meant = _SAME.get(lower) or _TRANSLATED.get(lower) or nearest(written, names, _LIKENESS)
    return f"did you mean '{meant}:'?" if meant else f"the fields are {', '.join(names)}"
