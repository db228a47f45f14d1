from pathlib import Path
from typing import Final

import pytest
from django.conf import settings

HOME: Final[Path] = settings.BASE_DIR
TEMPLATES: Final = sorted(
    path
    for folder in ("templates", "realtime/templates", "picha/mailbox/pages")
    for path in (HOME / folder).rglob("*.html")
)
LENGTH_MAX: Final = 120


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_line_is_longer_than_a_screen(template: Path) -> None:
    lines = template.read_text("utf-8").splitlines()
    assert [line for line in lines if len(line) > LENGTH_MAX] == []
