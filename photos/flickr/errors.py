"""The errors of Flickr, and what each of them means for an import.

JobError
└── FlickrError
    ├── TransientError            the request is sent again, a few times
    │   ├── UnreachableError      no connection, or no response in time
    │   ├── SlowDownError         429
    │   ├── ServerFaultError      5xx
    │   ├── UnreadableError       HTML, half a document, or another document
    │   │   └── TooLargeError     more bytes than the limit
    │   └── UnavailableError      stat:fail 10, 105, 106, "not currently available"
    ├── RefusedError              ends the import; sending it again would not help
    │   ├── KeyRefusedError       the API key: an operator must act
    │   ├── QueryRefusedError     the search: the person who started the import must act
    │   └── RequestRefusedError   anything else: a mistake of this site
    └── PictureError              concerns one photo; never ends the import
        ├── PictureGoneError      deleted or made private
        ├── PictureRefusedError   its host or its size is not allowed
        ├── PictureUnreadableError
        └── PictureLaterError     Flickr limits the rate; a later import downloads it
"""

from typing import ClassVar

from realtime.errors import JobError


class FlickrError(JobError):
    code = "flickr"


class TransientError(FlickrError):
    problem: ClassVar[str]

    def __init__(self, *, retry_after: float | None = None) -> None:
        super().__init__()
        self.retry_after = retry_after
        """Seconds to wait, if Flickr's response named them."""
        self.tries = 1
        """How many requests have failed, this one included."""

    def __str__(self) -> str:
        several = ", even after several tries" if self.tries > 1 else ""
        return f"{self.problem}{several}. Please try again later."


class UnreachableError(TransientError):
    code = "flickr_unreachable"
    problem = "Flickr cannot be reached"


class SlowDownError(TransientError):
    code = "flickr_slow_down"
    problem = "Flickr asks us to slow down"


class ServerFaultError(TransientError):
    code = "flickr_server_fault"
    problem = "Flickr reports an error of its own server"


class UnreadableError(TransientError):
    code = "flickr_unreadable"
    problem = "Flickr's response cannot be read"


class TooLargeError(UnreadableError):
    code = "flickr_too_large"


class UnavailableError(TransientError):
    code = "flickr_unavailable"
    problem = "Flickr says that its service is not available at the moment"


class RefusedError(FlickrError):
    pass


class KeyRefusedError(RefusedError):
    code = "flickr_key_refused"

    def __init__(self) -> None:
        super().__init__(
            "Flickr refused the site's API key. An operator of the site must set a valid one."
        )


class QueryRefusedError(RefusedError):
    code = "flickr_query_refused"


class RequestRefusedError(RefusedError):
    code = "flickr_request_refused"


class PictureError(FlickrError):
    code = "flickr_picture"


class PictureGoneError(PictureError):
    code = "flickr_picture_gone"


class PictureRefusedError(PictureError):
    code = "flickr_picture_refused"


class PictureUnreadableError(PictureError):
    code = "flickr_picture_unreadable"


class PictureLaterError(PictureError):
    code = "flickr_picture_later"


QUERY_REFUSALS = {
    1: "Flickr does not take that many tags in one search.",
    2: "Flickr knows no such user.",
    3: "Flickr does not search without a criterion: give at least one tag.",
    4: "Flickr does not allow this search.",
    5: "Flickr says that this user's account has been deleted.",
    11: "Flickr does not know that tag or criterion.",
    12: "Flickr does not take these tags together.",
    18: "Flickr does not take this search: the criteria contradict each other.",
    20: "Flickr does not take these tags.",
    77: "Flickr knows no such place.",
}
NOT_AVAILABLE_CODES = frozenset({10, 105, 106})
KEY_CODES = frozenset({*range(95, 100), 100})


def refusal(code: int, message: str) -> FlickrError:
    """The error for `"stat": "fail"`. Flickr's message is compared but never shown."""
    # "Sorry, the Flickr API service is not currently available." comes with code 0, 105 or 201.
    if code in NOT_AVAILABLE_CODES or "not currently available" in message:
        return UnavailableError()
    if code in KEY_CODES:
        return KeyRefusedError()
    if code in QUERY_REFUSALS:
        return QueryRefusedError(QUERY_REFUSALS[code])
    return RequestRefusedError(f"Flickr refused the request (code {code}).")
