from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path

from picha.http import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("accounts/login/", auth.LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("accounts/logout/", auth.LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    path("feedback/", include("feedback.urls")),
    path("jobs/", include("realtime.urls")),
    path("ops/", include("realtime.dashboard.urls")),
    path("", include("photos.urls")),
]
