from django.urls import path, register_converter

from photos import views
from photos.converters import Digest, FlickrId

register_converter(FlickrId, "flickr_id")
register_converter(Digest, "digest")

app_name = "photos"

urlpatterns = [
    path("", views.photo_list, name="list"),
    path("photos/imports/", views.import_list, name="imports"),
    path("photos/<flickr_id:flickr_id>/<digest:digest>.webp", views.thumbnail, name="thumbnail"),
]
