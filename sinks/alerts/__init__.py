"""Alerts to people: each channel once, whatever dies in between, and no channel waits for another.

- ``service``: one worker a channel, each with a consumer group of its own; ``routing``: who is
  told of what; ``deliveries``: what each channel was told already.
- ``channel``: what a channel is; ``webhook``, ``slack``, ``email``, ``alertmanager`` and ``index``:
  one each; ``channels_file``: which ones there are.
- ``posting``: HTTP that goes nowhere it should not; ``signature``: how a webhook proves itself.
- ``report``, ``words`` and ``rendering``: an alert as text, in French and English.
- ``store``: the index of alerts; ``desk``: what people did about one.
"""
