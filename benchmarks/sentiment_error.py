"""How often the label "negative towards a target" is right, by language, for the control tower.

    python -m benchmarks.sentiment_error --data DIR

Writes ``tower/questions/classifier_error.json``: the counts of true and false negatives on the
held-out part of each set of targets (the first sixth, which training left alone), accurate tier.
The tower corrects its shares with them and widens its intervals by their uncertainty.
"""

import argparse
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.accuracy.sentiment import ANNOTATORS, labels_of, towards
from benchmarks.accuracy.sets import DataSets
from benchmarks.accuracy.tiers import TierReader
from tower.questions.sentiment_estimate import NEGATIVE, Rates

OUT: Final = Path(__file__).parents[1] / "tower" / "questions" / "classifier_error.json"
SETS: Final = {
    "en": "absa/semeval16_restaurants_train_english",
    "es": "absa/semeval16_restaurants_train_spanish",
    "fr": "absa/semeval16_restaurants_train_french",
}


def rates_of(truth: list[str], said: list[str]) -> Rates:
    pairs = [(is_ == NEGATIVE, label == NEGATIVE) for is_, label in zip(truth, said, strict=True)]
    return Rates(
        true_positive=pairs.count((True, True)),
        false_negative=pairs.count((True, False)),
        false_positive=pairs.count((False, True)),
        true_negative=pairs.count((False, False)),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    sets = DataSets(parser.parse_args().data)
    reader = TierReader.load("accurate")
    found = {}
    for language, name in SETS.items():
        one = sets.held_out(name)
        read = reader.read(one.texts, ANNOTATORS, targets=[[target] for target in one.targets])
        found[language] = rates_of(list(one.labels), labels_of([towards(each) for each in read]))
        print(language, found[language])
    OUT.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")


if __name__ == "__main__":
    main()
