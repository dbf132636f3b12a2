"""A post whose enrichment never ends becomes a letter, across the ends of processes."""

import pytest

from schemas.codec import POST_EVENT
from schemas.errors import TocsinError
from tests import make
from tests.engines.pipeline import Pipeline

pytestmark = pytest.mark.engines

HANGS = "velmora never ends"
SAYS = "an annotator hangs"
MAX_STARTS = 8


def test_a_post_that_never_ends_is_a_letter_and_holds_back_no_other(pipeline: Pipeline) -> None:
    pipeline.apply([make.brand()])
    pipeline.sink()
    process = pipeline.start(
        "process", module="tests.engines.hanging_process", TOCSIN_PROCESS_MESSAGE_BUDGET_S="2"
    )
    texts = {f"file:{number}": f"velmora {number}" for number in range(40)}
    texts["file:20"] = HANGS
    events = [make.upsert(make.post(text, id=id_)) for id_, text in texts.items()]
    pipeline.send("posts", events)
    pipeline.wait("the first hang", lambda: SAYS in process.output())
    process.kill()  # as the watchdog ends it, but sooner
    process.start()
    ends: list[int] = []

    def handled() -> bool:
        status = process.process.poll()
        if status is not None:
            ends.append(status)
            assert len(ends) < MAX_STARTS, process.output()[-4000:]
            process.start()
        flow = pipeline.meter.look()
        return flow.written["posts"] >= len(events) and flow.idle and len(ends) >= 3

    pipeline.wait("the posts to come through", handled, dying=True)
    assert ends == [TocsinError.exit_status] * 3
    assert process.output().count(SAYS) == 4, "it hung once in a batch and three times alone"
    (letter,) = pipeline.dead_letters()
    assert (letter.service, letter.reason) == ("process", "too_slow")
    assert POST_EVENT.decode(letter.payload).id == "file:20"
    living = {id_ for id_, document in pipeline.documents().items() if "text" in document}
    assert living == texts.keys() - {"file:20"}
    assert process.process.poll() is None
