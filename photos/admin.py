from django.contrib import admin

from photos.models import ImportMark, ImportRequest, Licence, Photo


@admin.register(Photo)
class PhotoAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    list_display = ("shown_title", "shown_owner", "licence", "uploaded_at", "is_shown")
    list_filter = ("licence", "uploaded_at", "gone_at")
    list_select_related = ("licence",)
    search_fields = ("flickr_id", "title", "owner_name", "owner_nsid")
    date_hierarchy = "uploaded_at"
    readonly_fields = (
        "flickr_id",
        "description",  # shown without escaping, and text typed here would not be cleaned
        "picture",
        "thumbnail",
        "thumbnail_of",
        "thumbnail_width",
        "thumbnail_height",
        "first_seen_at",
        "last_seen_at",
    )

    @admin.display(boolean=True, description="Shown")
    def is_shown(self, photo: Photo) -> bool:
        return bool(photo.thumbnail)


@admin.register(Licence)
class LicenceAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    list_display = ("number", "name", "url")


@admin.register(ImportMark)
class ImportMarkAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    list_display = ("__str__", "uploaded_at", "updated_at")


@admin.register(ImportRequest)
class ImportRequestAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    list_display = ("__str__", "owner", "created_at", "job_id")
    list_select_related = ("owner",)
