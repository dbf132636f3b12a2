"""How text is read: tokens, folds, phrases, clauses, fingerprints and the markup of posts.

Pure functions over strings; imports ``schemas`` only. ``terminal`` and ``alert_title`` write text
instead. There is more than one reader of text, since each serves a part that must not change with
the others:

| module | reads | why it is its own |
|---|---|---|
| ``tokens`` | words of queries and of the index | matcher and index must cut alike |
| ``normalise`` | text for the encoder | the model was trained on it; maps back to offsets |
| ``phrases`` | word lists | folds one code point to one, so that offsets cost nothing |
| ``fingerprint`` | copies of a text | its keys are stored and compared across days |
| ``markup`` | handles, hashtags, links | platforms' rules; a hint of the feed, no matching |
"""
