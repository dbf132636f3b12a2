"""Jetstream's WebSocket: how it is asked, the connection, and its compression.

What the endpoint really does with cursors and compression is in github.com/bluesky-social/jetstream
(``internal/subscribe``); asking for zstd and for permessage-deflate at once is answered with 400.
Nothing here interprets a message.
"""

import threading
from pathlib import Path
from urllib.parse import urlencode

import zstandard
from websockets.sync.client import ClientConnection, connect

from ingestors.source import MAX_WAIT_S, SourceError

MAX_MESSAGE_BYTES = 1_000_000
"""Asked of the endpoint: a longer message is no post, and would end the connection here."""


def subscription(url: str, collection: str, cursor: int | None, *, zstd: bool) -> str:
    """The address that asks an endpoint for a collection, from the cursor on."""
    query: dict[str, str | int] = {
        "wantedCollections": collection,
        "maxMessageSizeBytes": MAX_MESSAGE_BYTES,
    }
    if cursor is not None:
        query["cursor"] = cursor
    if zstd:
        query["compress"] = "true"
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


class Attempt:
    """One attempt at a connection, on a thread of its own: it may take longer than a batch may."""

    def __init__(self, url: str, compression: str | None, timeout_s: float) -> None:
        self._url = url
        self._compression = compression
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._abandoned = False
        self.connection: ClientConnection | None = None
        self.error: Exception | None = None
        self.done = threading.Event()
        threading.Thread(target=self._run, name="jetstream-connect", daemon=True).start()

    def _run(self) -> None:
        try:
            connection = connect(
                self._url,
                compression=self._compression,
                user_agent_header="tocsin",
                open_timeout=self._timeout_s,
                close_timeout=MAX_WAIT_S,
                # Our watchdog is the stream itself; pings would fail whenever we hold back.
                ping_interval=None,
                max_size=2 * MAX_MESSAGE_BYTES,
                max_queue=512,
                legacy=True,
            )
            assert isinstance(connection, ClientConnection)
        except Exception as error:  # noqa: BLE001 - it is handed to the thread that waits
            self.error = error
        else:
            with self._lock:
                self.connection = connection
                abandoned = self._abandoned
            if abandoned:
                connection.close()
        self.done.set()

    def abandon(self) -> None:
        """Nobody waits any more: whatever comes of it is closed."""
        with self._lock:
            self._abandoned = True
            connection = self.connection
        if connection is not None:
            connection.close()


class Decompressor:
    """Jetstream's frames, each compressed by itself with a dictionary that both sides hold."""

    def __init__(self, path: Path) -> None:
        try:
            self._dictionary = zstandard.ZstdCompressionDict(path.read_bytes())
        except OSError as error:
            raise SourceError(
                f"TOCSIN_INGEST_BLUESKY_ZSTD_DICTIONARY names {path}, which cannot be read "
                f"({error.strerror})"
            ) from None
        self._path = path
        self._decompress = zstandard.ZstdDecompressor(dict_data=self._dictionary).decompress

    def __call__(self, payload: bytes) -> bytes:
        """The message in a frame; what is no frame is returned as it came."""
        if payload[:4] != zstandard.FRAME_HEADER:
            return payload
        try:
            frame = zstandard.get_frame_parameters(payload)
            if frame.dict_id not in (0, self._dictionary.dict_id()):
                raise SourceError(
                    f"Jetstream compresses with dictionary {frame.dict_id}, and {self._path} is "
                    f"{self._dictionary.dict_id()}; fetch its zstd_dictionary anew, or unset "
                    "TOCSIN_INGEST_BLUESKY_ZSTD_DICTIONARY"
                )
            has_size = frame.content_size != zstandard.CONTENTSIZE_UNKNOWN
            if has_size and frame.content_size > 2 * MAX_MESSAGE_BYTES:
                raise ValueError("longer than any message when decompressed")
            return self._decompress(payload, max_output_size=2 * MAX_MESSAGE_BYTES)
        except zstandard.ZstdError as error:
            raise ValueError(f"no zstd frame: {error}") from None
