from django.apps import AppConfig


class PhotosConfig(AppConfig):
    name = "photos"
    verbose_name = "Photos"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from photos import receivers  # noqa: F401, PLC0415 - receivers need the app registry
