"""Servers that someone else runs. Nothing is started, created or stopped here."""

from runtime.kafka.client import admin
from runtime.settings import ElasticsearchSettings, KafkaSettings, load
from sinks.elasticsearch.connection import connect, elasticsearch_errors
from tocsin.local.stack import Endpoints, Launched, Progress


class ExternalStack:
    """Checks that both answer with the settings that the services use, credentials included."""

    def start(self, progress: Progress, launched: Launched = lambda endpoints: None) -> Endpoints:
        kafka, elasticsearch = load(KafkaSettings), load(ElasticsearchSettings)
        progress(f"connecting to Kafka at {kafka.bootstrap_servers}")
        with admin(kafka) as broker:
            broker.list_topics()
        progress(f"connecting to Elasticsearch at {elasticsearch.url}")
        with connect(elasticsearch) as client, elasticsearch_errors(elasticsearch):
            # Not client.info(): `GET /` is a module that the engines' core does not carry.
            client.cluster.health(timeout="10s")
        endpoints = Endpoints(kafka.bootstrap_servers, elasticsearch.url)
        launched(endpoints)
        return endpoints

    def stop(self) -> None:
        pass

    def failure(self) -> str | None:
        return None
