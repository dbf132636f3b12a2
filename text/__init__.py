"""How text is read: tokens, folds, phrases, clauses, fingerprints and the markup of posts.

Pure functions over strings; imports ``schemas`` only. ``terminal`` and ``alert_title`` write text
instead. There is more than one reader of text, since each serves a part that must not change with
the others:

| reader | reads | links, handles | why it is its own |
|---|---|---|---|
| ``tokens`` | words of queries and the index | one token each | matcher and index cut alike |
| ``fingerprint`` | copies of a text, by tokens | left out | its keys are stored |
| ``phrases`` | word lists | a word of no list | folds 1:1, so that offsets cost nothing |
| ``clauses`` | parts that say one thing | words like others | cuts, and folds nothing |
| ``markup`` | handles, hashtags, links | what it looks for | a hint by platforms' rules |
| ``normalise`` | text for the encoder | "http", "@user" | trained on it; keeps offsets |
| ``prose`` | text for the language model | left out | trained on it; no digits, no signs |
| ``sentiment_model`` (of ``processors.models``) | text for the fast sentiment | "urltoken",
"usertoken" | trained on it; one pass over a batch |

``tokens.is_link`` tells a link among tokens. The entity annotator skips links and handles before it
asks whether a text can name anything; "@." is one there and none in ``phrases``. The three readers
that models were trained on differ in details (a bare "http", "HTTP://", "gooool" as "gol" or
"gool"), which only a new model can change.

``everyday`` lists words; ``terminal`` and ``spelling`` write for people and read no posts.
"""
