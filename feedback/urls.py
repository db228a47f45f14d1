from django.urls import path

from feedback import views

app_name = "feedback"

urlpatterns = [
    path("", views.contact, name="contact"),
    path("jobs/<uuid:job_id>/", views.decoy, name="decoy"),
]
