from django.urls import path

from realtime.pages import views

app_name = "realtime"

urlpatterns = [
    path("<uuid:job_id>/", views.job, name="job"),
    path("<uuid:job_id>.json", views.snapshot, name="snapshot"),
    path("<uuid:job_id>/events", views.events, name="events"),
    path("<uuid:job_id>/file/", views.file, name="file"),
    path("<uuid:job_id>/cancel/", views.cancel, name="cancel"),
    path("<uuid:job_id>/retry/", views.retry, name="retry"),
]
