from typing import Any

from django.core.management.base import BaseCommand

from photos import import_requests


class Command(BaseCommand):
    help = "Starts the import that fills a new site; does nothing on one that is not new."

    def handle(self, *args: Any, **options: Any) -> None:
        job = import_requests.start_first()
        if job is None:
            self.stdout.write("There are photos already, or an import that brings some.")
        else:
            self.stdout.write(f"Queued: {job.title}.")
