"""Columns whose very name says that they hold codes: a telephone number is no quantity, whatever its digits."""

from __future__ import annotations

import re
import unicodedata

_WORDS = frozenset(
    [
        "zip",
        "zipcode",
        "postcode",
        "postal",
        "postalcode",
        "postleitzahl",
        "plz",
        "cep",
        "phone",
        "phones",
        "telephone",
        "tel",
        "telefon",
        "telefono",
        "telefone",
        "telefoon",
        "telephon",
        "msisdn",
        "fax",
        "isbn",
        "issn",
        "ean",
        "gtin",
        "upc",
        "barcode",
        "ssn",
        "imei",
        "siret",
        "siren",
        "телефон",
        "индекс",
        "電話番号",
        "郵便番号",
        "电话",
        "邮编",
    ]
)
_PARTS = re.compile(r"[^\W\d_]+")
_HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z])")


def names_code(header: str) -> bool:
    """Whether a column of that name holds codes: `Zip`, `phone_2`, `homeTel`, `Código postal`."""
    plain = "".join(each for each in unicodedata.normalize("NFKD", header) if not unicodedata.combining(each))
    return not _WORDS.isdisjoint(part.casefold() for part in _PARTS.findall(_HUMPS.sub(" ", plain)))
