"""Sources of posts, and the runner that puts them on Kafka.

A source never talks to Kafka and never knows another source. The runner owns delivery and never
knows a platform.
"""
