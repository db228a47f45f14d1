from typing import Any

from django.core.management.base import BaseCommand

from photos import import_requests


class Command(BaseCommand):
    help = "Starts the first import of a new site. Does nothing if there are photos already."

    def handle(self, *args: Any, **options: Any) -> None:
        job = import_requests.start_first()
        if job is None:
            self.stdout.write("Nothing to do: there are photos already, or an import is running.")
        else:
            self.stdout.write(f"Queued: {job.title}.")
