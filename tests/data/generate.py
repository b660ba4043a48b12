"""Writes visits.jsonl: 300 made-up episodes with regularities that a memory can find.

The place mostly decides the activity, the activity decides how long it takes, and each
person has two favourite places. One value in twenty is missing. Run from anywhere:
python tests/data/generate.py
"""

import json
import random
from datetime import date, timedelta
from pathlib import Path

PLACES = {"kitchen": "cooking", "library": "reading", "park": "running", "office": "meeting", "cinema": "film"}
MINUTES = {"cooking": 40, "reading": 90, "running": 35, "meeting": 60, "film": 120}
PEOPLE = ["Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gia", "Hugo"]
COMPANY = [[], ["dog"], ["friend"], ["friend", "dog"]]
TARGET = Path(__file__).with_name("visits.jsonl")


def visits(count: int = 300, seed: int = 7) -> list[dict[str, object]]:
    """The episodes, the same for every run."""
    draw = random.Random(seed)
    places = list(PLACES)
    favourites = {person: draw.sample(places, 2) for person in PEOPLE}
    episodes = []
    for number in range(count):
        person = draw.choice(PEOPLE)
        place = draw.choice(favourites[person]) if draw.random() < 0.8 else draw.choice(places)
        activity = PLACES[place] if draw.random() < 0.9 else draw.choice(list(MINUTES))
        fields: dict[str, object] = {
            "what": activity,
            "where": place,
            "who": person,
            "when": (date(2026, 1, 1) + timedelta(days=number // 2)).isoformat(),
            "minutes": max(5, round(draw.gauss(MINUTES[activity], 6))),
            "indoors": place != "park",
            "with": draw.choice(COMPANY),
        }
        kept = {name: value for name, value in fields.items() if value != [] and draw.random() > 0.05}
        episodes.append({"id": f"visit-{number:03}", **kept})
    return episodes


if __name__ == "__main__":
    TARGET.write_text("".join(json.dumps(each) + "\n" for each in visits()), encoding="utf-8")
