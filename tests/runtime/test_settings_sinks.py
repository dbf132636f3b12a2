"""Settings of the sink: no secret in what is printed, and tombstones that stay long enough."""

import pytest

from runtime.settings import ElasticsearchSettings, SinkSettings, load
from schemas.errors import ConfigurationError
from schemas.topic_registry import topics


@pytest.mark.parametrize(
    "url",
    [
        "https://user:s3cret@es",
        "https://s3cret@es:9200",
        "https://es:9200,https://user:s3cret@es2:9200",
        "https://user:s3/cret@es",
        "user:s3cret@es",
    ],
)
def test_a_url_with_a_password_is_refused_and_not_printed(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("TOCSIN_ELASTICSEARCH_URL", url)
    with pytest.raises(ConfigurationError) as caught:
        load(ElasticsearchSettings)
    sentence = str(caught.value)
    assert "TOCSIN_ELASTICSEARCH_USERNAME" in sentence
    assert "TOCSIN_ELASTICSEARCH_PASSWORD" in sentence
    assert "s3" not in sentence


def test_urls_without_one_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "https://es:9200,http://[::1]:9200/path"
    monkeypatch.setenv("TOCSIN_ELASTICSEARCH_URL", url)
    assert load(ElasticsearchSettings).url == url


def test_a_dead_letter_that_is_replayed_meets_the_tombstone() -> None:
    # A post may be dead-lettered at the end of its retention, and replayed at the letter's.
    kept = [topics()[name].retention_days for name in ("posts", "mentions", "dead-letters")]
    assert SinkSettings().tombstone_days > sum(days or 0 for days in kept)
