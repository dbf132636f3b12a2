"""Every question, by name."""

from collections.abc import Mapping
from typing import Any, Final

from tower.questions.alert_list import ALERT, ALERTS
from tower.questions.aspect_opinions import ASPECTS, VOICE
from tower.questions.author_ranks import AUTHORS
from tower.questions.erasure_list import ERASURES
from tower.questions.mention_list import MENTIONS, POSTS, WALL
from tower.questions.presence import COUNTRIES, HOURS
from tower.questions.query_clauses import CLAUSES
from tower.questions.question import Question
from tower.questions.term_lifts import LIFTS
from tower.questions.value_counts import VALUES
from tower.questions.volume_series import VOLUME

QUESTIONS: Final[Mapping[str, Question[Any, Any]]] = {
    question.name: question
    for question in (
        VOLUME,
        MENTIONS,
        WALL,
        POSTS,
        VALUES,
        ASPECTS,
        VOICE,
        AUTHORS,
        LIFTS,
        COUNTRIES,
        HOURS,
        ALERTS,
        ALERT,
        CLAUSES,
        ERASURES,
    )
}
