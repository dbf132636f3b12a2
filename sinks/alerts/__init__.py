"""Delivers alerts to people: each state once per channel, and no channel waits for another.

- ``service``: the worker of a channel; ``workers``: all of them in a process; ``routing``: which
  channel gets which state; ``deliveries``: what each channel already has.
- ``channels``: one module each, and the file that configures them; ``message``: an alert as text.
- ``store``: the index of alerts; ``triage``: the work of people on an alert.
"""
