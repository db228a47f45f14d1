import pytest

from photos.html_cleaning import clean_html


@pytest.mark.parametrize(
    ("markup", "safe"),
    [
        ("", ""),
        ("plain", "plain"),
        ("one\r\ntwo", "one<br>two"),
        ("<p>one</p>\n<p>two</p>", "<p>one</p>\n<p>two</p>"),
        ("<b>bold</b> <i>and</i>", "<b>bold</b> <i>and</i>"),
        ("5 < 6 & 7", "5 &lt; 6 &amp; 7"),
        ("<script>alert(1)</script>after", "after"),
        ("<img src=x onerror=alert(1)>", ""),
        ("<style>*{display:none}</style>", ""),
        ("<iframe src='//example.com'></iframe>", ""),
        ('<p onclick="x()" style="color:red" class="card">x</p>', "<p>x</p>"),
        ("<b>never <i>closed", "<b>never <i>closed</i></b>"),
        ("<form action='/accounts/logout/'><button>go</button></form>", "go"),
    ],
)
def test_html_is_cleaned(markup: str, safe: str) -> None:
    assert clean_html(markup) == safe


def test_an_absolute_link_gets_a_rel_attribute() -> None:
    link = clean_html('<a href="https://example.com/a" target="_blank" title="t">x</a>')
    assert link == '<a href="https://example.com/a" rel="nofollow noopener noreferrer ugc">x</a>'


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "JaVaScRiPt:x", "data:text/html,x", "/admin/", "//example.com", "x"],
)
def test_other_links_are_removed(url: str) -> None:
    assert "href" not in clean_html(f'<a href="{url}">x</a>')
