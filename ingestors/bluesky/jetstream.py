"""Jetstream's WebSocket: its URL, the connection, and its compression. It never parses a message.

The server's handling of cursors and compression is in github.com/bluesky-social/jetstream
(``internal/subscribe``); a request for both zstd and permessage-deflate is answered with 400.
"""

import threading
from concurrent.futures import Future
from pathlib import Path
from urllib.parse import urlencode

import zstandard
from websockets.sync.client import ClientConnection, connect

from ingestors.source import MAX_WAIT_S, SourceError

MAX_CLOSE_S = 1.5
"""Wait for a connection to close, seconds; its own time-out is ``MAX_WAIT_S``."""
MAX_MESSAGE_BYTES = 1_000_000
"""Limit sent to the endpoint: a longer message is not a post and would end the connection."""


def subscription(url: str, collection: str, cursor: int | None, *, zstd: bool) -> str:
    query: dict[str, str | int] = {
        "wantedCollections": collection,
        "maxMessageSizeBytes": MAX_MESSAGE_BYTES,
    }
    if cursor is not None:
        query["cursor"] = cursor
    if zstd:
        query["compress"] = "true"
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def start_connecting(
    url: str, compression: str | None, timeout_s: float
) -> "Future[ClientConnection]":
    """Connect on a thread of its own: it may take longer than a batch."""
    attempt: Future[ClientConnection] = Future()

    def run() -> None:
        try:
            connection = connect(
                url,
                compression=compression,
                user_agent_header="tocsin",
                open_timeout=timeout_s,
                close_timeout=MAX_WAIT_S,
                # Silence of the stream is our watchdog; pings would fail during backpressure.
                ping_interval=None,
                max_size=2 * MAX_MESSAGE_BYTES,
                max_queue=512,
                legacy=True,
            )
            assert isinstance(connection, ClientConnection)
            attempt.set_result(connection)
        except BaseException as error:  # noqa: BLE001 - for the waiting thread
            attempt.set_exception(error)

    threading.Thread(target=run, name="jetstream-connect", daemon=True).start()
    return attempt


def abandon(attempt: "Future[ClientConnection]") -> None:
    """Close the connection, also if it is made later."""

    def close(done: "Future[ClientConnection]") -> None:
        if done.exception() is None:
            close_connection(done.result())

    attempt.add_done_callback(close)


def close_connection(connection: ClientConnection) -> None:
    """Close, and wait a moment: an endpoint that reads nothing must not hold the stop."""
    closing = threading.Thread(target=connection.close, name="jetstream-close", daemon=True)
    closing.start()
    closing.join(MAX_CLOSE_S)


class Decompressor:
    """Decompresses Jetstream's frames, which share a dictionary and are independent."""

    def __init__(self, path: Path) -> None:
        try:
            self._dictionary = zstandard.ZstdCompressionDict(path.read_bytes())
        except OSError as error:
            raise SourceError(
                f"TOCSIN_INGEST_BLUESKY_ZSTD_DICTIONARY: {path} cannot be read ({error.strerror}); "
                "check its name and permissions"
            ) from None
        self._path = path
        self._decompress = zstandard.ZstdDecompressor(dict_data=self._dictionary).decompress

    def __call__(self, payload: bytes) -> bytes:
        """The message in a frame; other payloads are returned unchanged."""
        if payload[:4] != zstandard.FRAME_HEADER:
            return payload
        try:
            frame = zstandard.get_frame_parameters(payload)
            if frame.dict_id not in (0, self._dictionary.dict_id()):
                raise SourceError(
                    f"Jetstream compresses with dictionary {frame.dict_id}, but {self._path} is "
                    f"{self._dictionary.dict_id()}; download its zstd_dictionary again, or unset "
                    "TOCSIN_INGEST_BLUESKY_ZSTD_DICTIONARY"
                )
            has_size = frame.content_size != zstandard.CONTENTSIZE_UNKNOWN
            if has_size and frame.content_size > 2 * MAX_MESSAGE_BYTES:
                raise ValueError("longer than any message when decompressed")
            return self._decompress(payload, max_output_size=2 * MAX_MESSAGE_BYTES)
        except zstandard.ZstdError as error:
            raise ValueError(f"not a valid zstd frame: {error}") from None
