"""Reading text: tokens, phrases, clauses, fingerprints and the markup of posts.

Here live pure functions over strings. Never a file of the user, a query or a brand: this package
imports ``schemas`` only. There are several readers because each must not change with the others:

| reader | reads | links, handles | why it is separate |
|---|---|---|---|
| ``tokens`` | words of queries and the index | one token each | matcher and index must agree |
| ``fingerprint`` | copies of a text, by tokens | left out | its keys are stored |
| ``phrases`` | word lists | in no list | folds 1:1, which keeps offsets |
| ``clauses`` | clauses | ordinary words | cuts without folding |
| ``markup`` | handles, hashtags, links | its results | follows the platforms' rules |
| ``normalise`` | input of the encoder | "http", "@user" | a model is trained on it; keeps offsets |
| ``prose`` | input of the language model | left out | a model is trained on it; words only |
| ``processors.models.sentiment_model`` | input of the fast sentiment | "urltoken", "usertoken" |
a model is trained on it; one pass over a batch |

``words`` holds the pattern of a token and the folds that ``tokens`` and ``phrases`` share.
The last three differ in details ("gooool" as "gol" or "gool") that only a new model can change.
``alert_title``, ``terminal`` and ``spelling`` write text for people; ``everyday`` lists words.
"""
