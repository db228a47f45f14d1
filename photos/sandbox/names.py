"""The people, places and titles of the sandbox. All of them are invented."""

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Owner:
    nsid: str
    name: str
    alias: str
    realname: str | None


def _owner(number: int, name: str, alias: str = "", realname: str | None = None) -> Owner:
    return Owner(f"{90_100_000 + number * 7_919}@N0{number % 9}", name, alias, realname)


OWNERS = (
    _owner(1, "Marta Lindqvist", "martalindqvist", "Marta Lindqvist"),
    _owner(2, "quietpixels", "quietpixels"),
    _owner(3, "äquinoktium"),
    _owner(4, "Tomás Ferreira", "tomas-ferreira", "Tomás Ferreira"),
    _owner(5, "山本 はるか", "haruka_y"),
    _owner(6, "O'Neill & Daughters", "oneill-daughters"),
    _owner(7, "نور الهاشمي", "", "نور الهاشمي"),
    _owner(8, "wanderlicht", "wanderlicht", ""),
    _owner(9, "Ewa 🌿", "ewa-w"),
    _owner(10, "The Slow Walkers", "slowwalkers"),
    _owner(11, "Γιώργος Π.", ""),
    _owner(12, 'Ines "Nina" Castell', "ninacastell", "Ines Castell"),
    _owner(13, "north_of_here", "north_of_here"),
    _owner(14, "Олена Гай", "olenahai"),
    _owner(15, "dad & the dog", ""),
    _owner(16, "Kwame A. Boateng", "kwameab", "Kwame A. Boateng"),
    _owner(17, "שירה לוי", "shira-levi"),
    _owner(18, "Lights\\Shadows", "lightsshadows"),
)

PLACES = (
    "Ambervale", "Port Sorrel", "the Hollin Pass", "Cape Merrow", "Lower Tarn", "Eskdale Rise",
    "Brightwater", "the Orlen Flats", "Saint Ives Down", "Kestrel Point", "Old Marrow", "Fennmoor",
    "the Varga Ridge", "Lake Ilmen", "Sandhaven", "the Quiet Coast", "Höfnvik", "Valdoro",
)  # fmt: skip

TITLES: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {
        "hills": ("Five ridges at {light}", "The long way to {place}", "{place}, from the saddle"),
        "sea": ("Low {light} over {place}", "Nothing but water", "The last ferry from {place}"),
        "dunes": ("Wind was here", "Dunes beyond {place}", "A {light} of sand"),
        "forest": ("Where the path ends", "Spruces above {place}", "The wood in {light}"),
        "lake": ("Twice the mountain", "Still water, {place}", "{light} on {place}"),
        "skyline": ("{place} wakes up", "Rooftops, {light}", "Eleven floors up in {place}"),
        "shapes": ("Horizon no. {number}", "Poster for {place}", "Half a sun, many stripes"),
        "night": ("The walk home from {place}", "Moonrise over {place}", "Counting to {number}"),
    }
)

TAGS: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {
        "hills": ("hills", "landscape", "mountains", "hiking"),
        "sea": ("sea", "water", "coast", "horizon"),
        "dunes": ("dunes", "sand", "landscape", "desert"),
        "forest": ("forest", "trees", "landscape", "hiking"),
        "lake": ("lake", "water", "reflection", "landscape"),
        "skyline": ("city", "skyline", "rooftops", "architecture"),
        "shapes": ("geometric", "minimal", "poster", "horizon"),
        "night": ("night", "moon", "stars", "landscape"),
    }
)

DESCRIPTIONS = (
    "",
    "Taken on the way back. I nearly did not stop.",
    "First light, no filter, cold fingers.",
    "We waited an hour for the clouds to leave.\n\nThey stayed. I like it better this way.",
    'One of a series: <a href="https://www.example.com/series">the others are here</a>.',
    "For <b>Ada</b>, who wanted to know what I see from the window.",
    "Please ask before you print it; <i>I always say yes</i>.",
    "Ein ruhiger Abend, ein langer Heimweg — and no phone signal at all.",
    '<a href="/photos/tags/light/">light</a>, water, time.',
    "丘の上で夕日を待つ。",
)

HOSTILE_TITLES = (
    "<script>alert('title')</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7*7 }} {% now 'Y' %} ${7*7}",
    '=HYPERLINK("http://example.com","click")',
    "‮gnp.ylno ton ti‬ is it",
    "مساءٌ هادئ على الساحل",
    "Z̸̡͝a̶͜͝l̵̢̕g̶̡͠o̸͢͠ ̷̨͘h̶̛͜i̸̧͝l̵̡͠l̸̢͠s̶̛͜",
    "word" * 63 + "end",
    "'; DROP TABLE photos_photo; --",
    "👩‍👩‍👧‍👦" * 12,
    "a&amp;b &lt;i&gt;not italic&lt;/i&gt;",
    "tab\tand\u0000nul",
)

HOSTILE_DESCRIPTIONS = (
    "<script>alert('description')</script><img src=x onerror=alert(2)>",
    '<a href="javascript:alert(3)" onclick="alert(4)">harmless</a> <iframe src="//example.com">',
    "<b>never <i>closed <a href='https://www.example.com/'>at all",
)
