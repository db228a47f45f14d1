"""Random numbers that are the same each time."""

import random


def seeded(*parts: object) -> random.Random:
    """A generator seeded with `parts`, so that the same photo looks the same each time."""
    return random.Random(":".join(map(str, parts)))
