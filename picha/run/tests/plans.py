from pathlib import Path

from picha.run.plan import Plan, read_plan


def plan_of(var_dir: Path, *, services_only: bool = False, **variables: str) -> Plan:
    return read_plan({"VAR_DIR": str(var_dir), **variables}, services_only=services_only)
