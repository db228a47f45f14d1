"""The parts of a thumbnail's address; nothing else gets as far as the file system."""


class FlickrId:
    regex = "[0-9]{1,20}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class Digest(FlickrId):
    regex = "[0-9a-f]{16}"
