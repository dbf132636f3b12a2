"""Servers that somebody else runs. Nothing is started, created or stopped here."""

from __future__ import annotations

import socket
from contextlib import closing

from elasticsearch import ApiError, Elasticsearch, TransportError
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from tocsin.local.stack.base import Endpoints, Progress, StackError


class ExternalStack:
    """Only checks that both answer, so that a wrong address is told at once and in a sentence."""

    def __init__(self, endpoints: Endpoints, *, timeout_seconds: float = 10.0) -> None:
        self._endpoints = endpoints
        self._timeout = timeout_seconds

    def start(self, progress: Progress) -> Endpoints:
        progress(f"asking Kafka at {self._endpoints.kafka}")
        self._ask_kafka()
        progress("asking Elasticsearch")
        self._ask_elasticsearch()
        return self._endpoints

    def stop(self) -> None:
        """Nothing of ours is running."""

    def _ask_kafka(self) -> None:
        addresses = self._endpoints.kafka.split(",")
        try:
            self._reach_one_of(addresses)
            timeout_ms = int(self._timeout * 1000)
            with closing(
                KafkaAdminClient(bootstrap_servers=addresses, bootstrap_timeout_ms=timeout_ms)
            ) as admin:
                admin.list_topics()
        except (KafkaError, OSError, ValueError) as error:
            raise StackError(
                f"Kafka does not answer at {self._endpoints.kafka} ({type(error).__name__}): "
                "check the address, that it is running, and that this machine may reach it."
            ) from error

    def _reach_one_of(self, addresses: list[str]) -> None:
        """Fail at once where nobody listens: the client would try again until its time is up."""
        refusal: OSError | ValueError = ValueError("no address")
        for address in addresses:
            host, _, port = address.strip().rpartition(":")
            try:
                socket.create_connection((host.strip("[]"), int(port)), self._timeout).close()
            except (OSError, ValueError) as error:
                refusal = error
            else:
                return
        raise refusal

    def _ask_elasticsearch(self) -> None:
        address = self._endpoints.elasticsearch
        try:
            with Elasticsearch(address, request_timeout=self._timeout, max_retries=0) as client:
                # Not client.info(): `GET /` is a module, which the engines' core does not carry.
                client.cluster.health(timeout=f"{self._timeout:g}s")
        except ApiError as error:
            raise StackError(
                f"Elasticsearch refused the request with status {error.status_code}: "
                "check the credentials, and that the address is an Elasticsearch's."
            ) from error
        except (TransportError, ValueError) as error:
            raise StackError(
                f"Elasticsearch does not answer ({type(error).__name__}): check the address, "
                "that it begins with http:// or https://, and that it is running."
            ) from error
