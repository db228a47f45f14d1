"""Admin: shows jobs and workers, read-only. Only `realtime.jobs` may change a job."""

from django.contrib import admin
from django.contrib.auth import get_permission_codename
from django.http import HttpRequest

from realtime.models import Job, Worker


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Only who has the view permission. Django also lets in who has the change permission."""
        codename = get_permission_codename("view", self.opts)
        return request.user.has_perm(f"{self.opts.app_label}.{codename}")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ("title", "task", "state", "attempt", "worker", "queued_at", "finished_at")
    list_filter = ("state", "task")
    list_select_related = ("owner",)
    search_fields = ("id", "title", "task")
    date_hierarchy = "queued_at"
    show_full_result_count = False
    # The dashboard shows the arguments, without secrets.
    exclude = ("args", "kwargs", "options", "phases", "recent")


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    list_display = ("name", "first_seen_at", "heartbeat_at")
