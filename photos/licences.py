"""The licences of Flickr in 2025. An import asks Flickr for the names of new ones."""

from typing import Final

DEEDS: Final = "https://creativecommons.org/licenses"

ALL_RIGHTS_RESERVED: Final = "All rights reserved"

KNOWN: Final = {
    0: (ALL_RIGHTS_RESERVED, ""),
    1: ("CC BY-NC-SA 2.0", f"{DEEDS}/by-nc-sa/2.0/"),
    2: ("CC BY-NC 2.0", f"{DEEDS}/by-nc/2.0/"),
    3: ("CC BY-NC-ND 2.0", f"{DEEDS}/by-nc-nd/2.0/"),
    4: ("CC BY 2.0", f"{DEEDS}/by/2.0/"),
    5: ("CC BY-SA 2.0", f"{DEEDS}/by-sa/2.0/"),
    6: ("CC BY-ND 2.0", f"{DEEDS}/by-nd/2.0/"),
    7: ("No known copyright restrictions", "https://www.flickr.com/commons/usage/"),
    8: ("United States Government Work", "https://www.usa.gov/government-copyright"),
    9: ("CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
    10: ("Public Domain Mark 1.0", "https://creativecommons.org/publicdomain/mark/1.0/"),
    11: ("CC BY 4.0", f"{DEEDS}/by/4.0/"),
    12: ("CC BY-SA 4.0", f"{DEEDS}/by-sa/4.0/"),
    13: ("CC BY-ND 4.0", f"{DEEDS}/by-nd/4.0/"),
    14: ("CC BY-NC 4.0", f"{DEEDS}/by-nc/4.0/"),
    15: ("CC BY-NC-SA 4.0", f"{DEEDS}/by-nc-sa/4.0/"),
    16: ("CC BY-NC-ND 4.0", f"{DEEDS}/by-nc-nd/4.0/"),
}
