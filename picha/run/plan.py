"""Plan: the programs, ports and folders of one run, read from the environment."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from picha.environment import Environment
from picha.paths import run_dir
from picha.secret_files import secret_key

HOME = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, kw_only=True)
class Plan:
    var_dir: Path
    port: int
    site_url: str
    services_only: bool
    programs: tuple[str, ...]

    @property
    def sockets(self) -> Path:
        return run_dir(self.var_dir)

    @property
    def logs(self) -> Path:
        return self.var_dir / "log"

    @property
    def maildir(self) -> Path:
        return self.var_dir / "mail"

    @property
    def smtp_port(self) -> int:
        return self.port + 1

    @property
    def mailbox_port(self) -> int:
        return self.port + 2

    @property
    def sandbox_port(self) -> int:
        return self.port + 3

    @property
    def ports(self) -> dict[str, int]:
        """The port of each program that listens on one."""
        ports = {
            "web": self.port,
            "smtp": self.smtp_port,
            "mailbox": self.mailbox_port,
            "sandbox": self.sandbox_port,
        }
        return {program: port for program, port in ports.items() if program in self.programs}

    def log_of(self, program: str) -> Path:
        return self.logs / f"{program}.log"


def read_plan(variables: Mapping[str, str], *, services_only: bool) -> Plan:
    env = Environment(variables)
    port = env.integer("PORT", default=8000, minimum=1, maximum=65532)
    plan = Plan(
        var_dir=env.directory("VAR_DIR", default=HOME / "var"),
        port=port,
        site_url=env.origin("SITE_URL", default=f"http://127.0.0.1:{port}"),
        services_only=services_only,
        programs=tuple(_programs(env, services_only=services_only)),
    )
    env.check()
    return plan


def _programs(env: Environment, *, services_only: bool) -> Iterator[str]:
    """A service whose address is set in the environment runs elsewhere and is not started."""
    if not env.text("REDIS_URL", default=""):
        yield "valkey"
    if not env.text("EMAIL_URL", default=""):
        yield from ("smtp", "mailbox")
    if env.text("FLICKR_SOURCE", default="sandbox") == "sandbox":
        yield "sandbox"
    if not services_only:
        yield from ("web", "worker", "beat")


def site_environment(plan: Plan, *, variables: Mapping[str, str]) -> dict[str, str]:
    """The environment of the site's processes: the user's variables, completed from the plan."""
    own = {
        "VAR_DIR": str(plan.var_dir),
        "PORT": str(plan.port),
        "DJANGO_SETTINGS_MODULE": "picha.settings",
        "PYTHONUNBUFFERED": "1",
    }
    if not plan.services_only:
        own["DEBUG"] = variables.get("DEBUG", "").strip() or "off"
        own["SECRET_KEY"] = variables.get("SECRET_KEY", "").strip() or secret_key(plan.var_dir)
    return {**variables, **own}
