"""Annotates the brands that a post is about, by the brands as they are now."""

from collections.abc import Callable, Sequence

from queries.names import BrandMatcher
from schemas.mention import BrandMatch, Mention

UNKNOWN = "und"


class BrandAnnotator:
    """Matches names and handles; asks for the matcher once a batch, so a change takes at once."""

    name = "brands"
    heavy = False
    version = "names-1"

    def __init__(self, matcher: Callable[[], BrandMatcher]) -> None:
        self._matcher = matcher

    def annotate(self, batch: Sequence[Mention]) -> None:
        """Fill ``brands``, without those that do not listen to the post's language."""
        matcher = self._matcher()
        languages = {
            brand.id: frozenset(brand.languages) for brand in matcher.brands if brand.languages
        }
        for mention in batch:
            found = matcher.match(mention.post)
            if found and languages:
                found = [match for match in found if _listens(match, mention, languages)]
            mention.brands = found


def _listens(match: BrandMatch, mention: Mention, languages: dict[str, frozenset[str]]) -> bool:
    """A language that nobody could tell is kept: missing a mention is the worse mistake."""
    wanted = languages.get(match.id)
    if wanted is None or mention.language is None or mention.language.code == UNKNOWN:
        return True
    return mention.language.code in wanted
