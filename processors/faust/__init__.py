"""What every Faust service shares: the application, messages, the producer, the watchdog.

The only package that may import Faust. Nothing here knows what a service does with its messages.
"""
