from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from feedback.models import Feedback


@admin.register(Feedback)
class FeedbackAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    list_display = ("email", "created_at", "confirms", "job")
    list_filter = ("created_at", "confirms")
    search_fields = ("email", "message")
    readonly_fields = ("email", "message", "confirms", "created_at", "job")
    date_hierarchy = "created_at"

    def has_add_permission(self, request: object) -> bool:
        """Only visitors create feedback."""
        return False

    @admin.display(description="Job")
    def job(self, feedback: Feedback) -> SafeString | str:
        if feedback.job_id is None:
            return "Not queued"
        url = reverse("dashboard:job", args=[feedback.job_id])
        return format_html('<a href="{}">Show the job</a>', url)
