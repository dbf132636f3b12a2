"""Estimates from a sample of posts how many posts X would send for rules, and the price.

X bills each post at most once per UTC day, however many rules match it. Prices are arguments: X
changes them (2026-08-28: US$ 0.005 per post, at most 2 million posts a month without a contract;
accounts and media cost extra).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

import regex

from queries.matching.document import Document
from queries.x.rule import All, AnyOf, Constant, Op, RuleTree
from queries.x.rule_compiler import XRules
from text.tokens import folded_form, folded_tokens, url_words

DAYS = 30
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}_]+")
_SURE = 1.96
"""Standard errors on each side of a share: a 95 % interval."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """``sent`` of the ``read`` posts of the sample match a rule."""

    read: int
    sent: int
    posts_a_day: float
    price: float

    @property
    def share(self) -> float:
        return self.sent / self.read if self.read else 0.0

    @property
    def share_range(self) -> tuple[float, float]:
        """The 95 % interval of the share (Wilson)."""
        if not self.read:
            return 0.0, 1.0
        share, count, sure = self.share, self.read, _SURE
        middle = share + sure**2 / (2 * count)
        spread = sure * sqrt(share * (1 - share) / count + (sure / (2 * count)) ** 2)
        scale = 1 + sure**2 / count
        return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)

    @property
    def sent_a_day(self) -> float:
        """Posts that X would send and bill per day."""
        return self.share * self.posts_a_day

    @property
    def cost_a_month(self) -> float:
        """In the currency of the price, for 30 days."""
        return self.sent_a_day * DAYS * self.price

    @property
    def cost_range(self) -> tuple[float, float]:
        """``cost_a_month`` at both ends of ``share_range``."""
        low, high = self.share_range
        month = self.posts_a_day * DAYS * self.price
        return low * month, high * month


def estimate(
    compiled: Iterable[XRules], sample: Iterable[Document], *, posts_a_day: float, price: float
) -> Estimate:
    """What all rules together would send of ``posts_a_day``, the traffic that the sample is from.

    A sample of another platform gives the order of magnitude. X sends somewhat more: it also
    searches quoted posts, which a sample lacks.
    """
    rules = [rule for query in compiled for rule in query.asked]
    read = sent = 0
    for document in sample:
        read += 1
        sent += any(_holds(rule, document) for rule in rules)
    return Estimate(read, sent, posts_a_day, price)


def _holds(formula: RuleTree, document: Document) -> bool:
    match formula:
        case Op(negated=negated):
            return _found(formula, document) is not negated
        case All(parts):
            return all(_holds(part, document) for part in parts)
        case AnyOf(parts):
            return any(_holds(part, document) for part in parts)
        case Constant(holds):
            return holds


def _found(op: Op, document: Document) -> bool:
    """Whether the operator matches the post. Accents are ignored: X matches a little less."""
    post = document.mention.post
    name, colon, value = op.text.partition(":")
    if not colon or op.text.startswith('"'):
        return _in_text(op.text, document)
    match name:
        case "from":
            return value in document.values_of("author")
        case "conversation_id":
            return f"x:{value}" in document.values_of("thread")
        case "place_country":
            return value.lower() in document.values_of("country")
        case "lang":
            return value == (post.language or "").partition("-")[0]
        case "is":
            kinds = {"retweet": post.repost_of, "quote": post.quote_of, "reply": post.reply_to}
            return kinds[value] is not None
        case "followers_count":
            low, dots, high = value.partition("..")
            number = post.author.followers
            return number is not None and int(low) <= number and (not dots or number <= int(high))
        case "url":
            return any(_in_a_row(value, url_words(link.lower())) for link in post.links)
        case _:
            return _in_a_row(value, folded_tokens(post.author.name or ""))


def _in_text(text: str, document: Document) -> bool:
    post = document.mention.post
    if text[0] in "#@$":
        sign = folded_form(text)
        field = {"#": "hashtags", "@": "mentions"}.get(text[0])
        is_listed = field is not None and sign[1:] in document.values_of(field)
        return is_listed or sign in folded_tokens(post.text)
    phrase, near, _ = text.partition('"~')
    tokens = folded_tokens(post.text)
    # X splits a URL or a handle with dots into words.
    words = [word for token in tokens for word in _WORD.findall(token)]
    if near:
        return all(word in words for word in folded_tokens(phrase))
    return _in_a_row(phrase, tokens) or _in_a_row(phrase, words)


def _in_a_row(phrase: str, tokens: Sequence[str]) -> bool:
    wanted = folded_tokens(re.sub('"', " ", phrase))
    places = range(len(tokens) - len(wanted) + 1)
    return bool(wanted) and any(tokens[n : n + len(wanted)] == wanted for n in places)
