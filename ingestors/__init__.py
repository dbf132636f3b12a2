"""Sources of posts, and the runner that puts them on Kafka.

Here live the source interface, one folder for each source, and the runner, which owns delivery. A
source never talks to Kafka and never knows another source; the runner never knows a platform.
"""
