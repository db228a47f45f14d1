"""Chance that can be repeated."""

import random


def seeded(*parts: object) -> random.Random:
    """A generator that depends on the parts alone, so that the same photo looks the same."""
    return random.Random(":".join(map(str, parts)))
