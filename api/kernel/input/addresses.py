"""The normal form of an e-mail address: ASCII in lower case, with the domain in punycode. Addresses are brought into it
where input is decoded; what is stored, compared, counted, announced or mailed to is in it already. People are shown the
domain in Unicode."""

LONGEST_ADDRESS = 254


def normal_address(typed: str) -> str:
    """The normal form of an address. Never fails: text that is no address keeps every character but A to Z, so that two
    texts have the same form only if they mean the same address.

    Only ASCII letters are folded. Unicode's rules, and those of a database's locale, would make two addresses one
    (KELVIN SIGN and k) or one address two (I in Turkish). In SQL the same is `lower(x collate "C")`."""
    local, at, domain = typed.rpartition("@")
    if at and not domain.isascii() and len(typed) <= LONGEST_ADDRESS:
        domain = punycode(domain)
    return (local + at + domain).encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def shown_address(address: str) -> str:
    """An address in normal form as people read it, with its domain in Unicode (U-labels, RFC 5890 §2.3.2.1). Unchanged
    where a label is not valid in IDNA 2008, or where the normal form of the result would be another: what is shown can
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
    """An internationalised domain as DNS has it, mapped as browsers do (UTS 46); unchanged if it is none."""
    import idna  # its tables take memory, and few addresses need them

    try:
        return idna.encode(domain, uts46=True, std3_rules=True).decode()
    except idna.IDNAError:
        return domain
