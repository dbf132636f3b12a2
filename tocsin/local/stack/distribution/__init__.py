"""The files of Kafka and Elasticsearch: which ones, where they come from, and where they lie.

`engines_lock` names every file with its checksum, `maven_settings` finds the repository,
`downloads` fetches without Maven, and `server_files` installs one server into the cache.
"""
