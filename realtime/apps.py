from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    name = "realtime"
    verbose_name = "Jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect every receiver and check by name: they need the models to be loaded."""
        from realtime import checks, tasks  # noqa: F401, PLC0415 - the models are loaded only now
        from realtime.bus import receivers as bus_receivers  # noqa: F401, PLC0415
        from realtime.files import receivers as files_receivers  # noqa: F401, PLC0415
        from realtime.worker import receivers as worker_receivers  # noqa: F401, PLC0415
