"""Users: the personas of the tests."""

from django.contrib.auth.models import AnonymousUser, Permission, User

from realtime.access import OPERATOR_PERMISSION


def user(
    name: str = "ada",
    *,
    is_staff: bool = False,
    is_active: bool = True,
    is_superuser: bool = False,
) -> User:
    return User.objects.create_user(
        name,
        password="a password",
        is_staff=is_staff,
        is_active=is_active,
        is_superuser=is_superuser,
    )


def operator(name: str = "op", *, is_active: bool = True) -> User:
    person = user(name, is_staff=True, is_active=is_active)
    codename = OPERATOR_PERMISSION.removeprefix("realtime.")
    person.user_permissions.add(Permission.objects.get(codename=codename))
    return person


def visitor() -> AnonymousUser:
    return AnonymousUser()
