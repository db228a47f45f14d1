from django.urls import path

from realtime.dashboard import views

app_name = "dashboard"

urlpatterns = [
    path("", views.overview, name="overview"),
    path("jobs/<uuid:job_id>/", views.job, name="job"),
]
