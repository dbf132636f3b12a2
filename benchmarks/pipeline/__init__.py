"""The whole pipeline on real Kafka and Elasticsearch: rates, processor time, latencies, memory."""
