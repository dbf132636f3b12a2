"""``tocsin checkpoints reset``: a name that is no source is refused."""

import pytest

from schemas.errors import ConfigurationError
from tocsin.cli.checkpoints import known


def test_only_a_source_with_a_checkpoint_can_be_reset() -> None:
    known("bluesky", {b"bluesky": b"{}", b"x": b"{}"})
    for name, says in (("blusky", "did you mean bluesky?"), ("nosuch", "known are bluesky, x")):
        with pytest.raises(ConfigurationError, match=f"no checkpoint of {name}") as error:
            known(name, {b"x": b"{}", b"bluesky": b"{}"})
        assert says in str(error.value)
        assert error.value.exit_status == 2
    with pytest.raises(ConfigurationError, match="no source has one yet"):
        known("bluesky", {})
