"""Alerts to people: each channel once, whatever dies in between, and no channel waits for another.

- ``service``: one worker a channel, each with a consumer group of its own; ``routing``: who is
  told of what; ``deliveries``: what each channel was told already.
- ``channels``: what a channel is, one module each, and the file that says which ones there are.
- ``message``: an alert as text, in each language of ``message/locale``.
- ``store``: the index of alerts; ``triage``: what people did about one.
"""
