"""What a benchmark prints: one JSON object a line."""

import json
import os
import sys
from collections.abc import Callable, Mapping
from statistics import median


def is_wanted(case: str) -> bool:
    """Whether `--only` asks for this case; without it all are wanted."""
    return os.environ.get("BENCH_ONLY", "") in case


def line(
    *, bench: str, case: str, metric: str, value: float, baseline: str, baseline_value: float
) -> None:
    ratio = round(value / baseline_value, 4) if baseline_value else None
    entry = {
        "bench": bench,
        "case": case,
        "metric": metric,
        "value": float(f"{value:.4g}"),
        "baseline": baseline,
        "baseline_value": float(f"{baseline_value:.4g}"),
        "ratio": ratio,
    }
    sys.stdout.write(json.dumps(entry) + "\n")
    sys.stdout.flush()


def medians(rounds: int, cases: Mapping[str, Callable[[], float]]) -> dict[str, float]:
    """Of several rounds, in each of which every case has its turn: so all share the weather."""
    found: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, measure in cases.items():
            found[name].append(measure())
    return {name: median(values) for name, values in found.items()}
