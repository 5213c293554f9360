"""The normal form of an email address: lower-case ASCII, with the domain in punycode. Input is normalized when decoded,
so stored, compared, announced and mailed addresses are in normal form. Responses show the domain in Unicode."""

LONGEST_ADDRESS = 254


def normal_address(typed: str) -> str:
    """Return the normal form. Never fails: in text that is not an address only A to Z change, so that two texts have
    equal forms only if they mean the same address.

    Only ASCII letters are folded. The rules of Unicode or of a database's locale would merge two addresses (KELVIN SIGN
    and k) or split one (I in Turkish). The SQL equivalent is `lower(x collate "C")`."""
    local, at, domain = typed.rpartition("@")
    if at and not domain.isascii() and len(typed) <= LONGEST_ADDRESS:
        domain = punycode(domain)
    return (local + at + domain).encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def shown_address(address: str) -> str:
    """Return an address in normal form for display, with its domain in Unicode (U-labels, RFC 5890 §2.3.2.1). Unchanged
    if a label is not valid in IDNA 2008, or if the result would not normalize to the address: a displayed address can
    be typed."""
    if "xn--" not in address:
        return address
    import idna

    local, at, domain = address.rpartition("@")
    try:
        shown = local + at + ".".join(map(idna.ulabel, domain.split(".")))
    except idna.IDNAError:
        return address
    return shown if normal_address(shown) == address else address


def punycode(domain: str) -> str:
    """Return an internationalized domain in its DNS form, mapped like browsers do (UTS 46); unchanged if invalid."""
    import idna  # imported late: its tables take memory and are rarely needed

    try:
        return idna.encode(domain, uts46=True, std3_rules=True).decode()
    except idna.IDNAError:
        return domain
