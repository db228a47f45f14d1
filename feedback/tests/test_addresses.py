import pytest

from feedback.addresses import NotAnAddress, UnsupportedAddress, canonical_address


def full_width(text: str) -> str:
    """The letters and digits as East Asian keyboards also type them."""
    return "".join(chr(ord(c) + 0xFEE0) if c.isalnum() else c for c in text)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("ann@Visitor.EXAMPLE", "ann@visitor.example"),
        ("Ann.B@visitor.example", "Ann.B@visitor.example"),
        ("ann@MÜLLER.example", "ann@xn--mller-kva.example"),
        ("ann@xn--MLLER-kva.example", "ann@xn--mller-kva.example"),
        ("ann@mu\u0308ller.example", "ann@xn--mller-kva.example"),
        (f"ann@{full_width('visitor')}.example", "ann@visitor.example"),
        ("ann@visitor。example", "ann@visitor.example"),
        ("ann@visi\u00adtor.example", "ann@visitor.example"),
        ("ann@例え.テスト", "ann@xn--r8jz45g.xn--zckzah"),
        ("{o'neil}?=x/y@visitor.example", "{o'neil}?=x/y@visitor.example"),
    ],
)
def test_spellings_of_an_address_have_one_canonical_address(text: str, canonical: str) -> None:
    assert canonical_address(text) == canonical
    assert canonical_address(canonical) == canonical


def test_a_domain_keeps_its_own_letters() -> None:
    """IDNA of 2003 takes ß for ss, which is the domain of somebody else."""
    assert canonical_address("ann@straße.example") == "ann@xn--strae-oqa.example"


@pytest.mark.parametrize(
    "text",
    [
        "=?utf-8?q?ann?=@visitor.example",
        "=?utf-8?q??=@visitor.example",
        "=?us-ascii?b?YW5u?=@visitor.example",
        "=?utf-8?q?a=22=40=20=00?=@visitor.example",
        "b.=?utf-8?q?ann?=@visitor.example",
        "a\0b@visitor.example",
        "a\x1fb@visitor.example",
        "a\u202eb@visitor.example",
        "a\u2028b@visitor.example",
        "ann@visi\u202etor.example",
        "ann@a℀b.example",
        f"ann@{full_width('127.0.0.1')}",
        f"ann@{full_width('localhost')}",
        "ann@ü..example",
        "",
        "@",
    ],
)
def test_other_text_is_not_an_address(text: str) -> None:
    with pytest.raises(NotAnAddress):
        canonical_address(text)


@pytest.mark.parametrize("text", ["jürgen@visitor.example", "高橋@bücher.example"])
def test_a_local_part_that_is_not_ascii_is_not_supported(text: str) -> None:
    with pytest.raises(UnsupportedAddress):
        canonical_address(text)


@pytest.mark.parametrize(
    "text", ["jü rgen@visitor.example", "jürgen@visitor", "ü=?x@visitor.example"]
)
def test_text_that_is_not_ascii_may_be_no_address(text: str) -> None:
    with pytest.raises(NotAnAddress):
        canonical_address(text)


def domain_of_length(length: int) -> str:
    labels = ["x" * 60] * 4
    return ".".join([*labels, "y" * (length - 4 * 61)])


def test_an_address_has_at_most_254_characters() -> None:
    for length in (253, 254):
        address = f"a@{domain_of_length(length - 2)}"
        assert len(canonical_address(address)) == length
    with pytest.raises(NotAnAddress):
        canonical_address(f"a@{domain_of_length(253)}")


def test_the_length_of_the_canonical_address_counts() -> None:
    address = f"{'a' * 60}@{'ü.' * 40}example"
    assert len(address) < 254
    with pytest.raises(NotAnAddress):
        canonical_address(address)
