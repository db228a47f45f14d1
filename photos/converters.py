"""URL converters of a thumbnail's URL. They keep all other characters out of file names."""


class FlickrId:
    regex = "[0-9]{1,20}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class Digest(FlickrId):
    regex = "[0-9a-f]{16}"
