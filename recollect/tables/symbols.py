"""Symbols that stand beside a number: of units of measurement and of currencies."""

from __future__ import annotations

import re

_BASE = (
    "m g s A K mol cd Hz N Pa J W C V F Ω ohm T H lm lx Bq Gy L l t h d min hr sec day bar psi in ft yd mi lb"
    " lbs oz gal kn kt mph kph rpm bpm pH dB ppm ppb ppt % ‰ ° deg °C °F degC degF Cal cal eV B b px pt pcs pc"
    " kWh Wh Ah VA var ha ac ul uL atm mmHg Torr PSU NTU cfu UTC GMT local USD EUR GBP CHF JPY SEK $ € £ ¥ ISO"
)
_PREFIXES = ("", "k", "M", "G", "T", "m", "µ", "μ", "u", "n", "c", "d", "h")
_KNOWN = frozenset(prefix + unit for unit in _BASE.split() for prefix in _PREFIXES)
_PARTS = re.compile(r"[/·*. ^]|per")
_POWER = re.compile(r"[-−]?[0-9]$|[²³⁻¹⁰]+$")
_BRACKETS = ("[]", "()", "<>")
_LONGEST = 16
_SIGNS = "$¢£¤¥֏؋৲৳৻૱௹฿៛₠₡₢₣₤₥₦₧₨₩₪₫€₭₮₯₰₱₲₳₴₵₶₷₸₹₺₻₼₽₾₿﷼﹩＄￠￡￥￦"
_CODES = (
    "USD EUR GBP JPY CNY CHF SEK NOK DKK ISK PLN CZK HUF RON BGN INR AUD CAD NZD BRL MXN ARS CLP COP ZAR KRW TRY RUB"
    " UAH ILS SGD HKD TWD THB IDR MYR PHP VND AED SAR EGP NGN KES"
)
_LOCAL = "US$ C$ A$ R$ kr. kr zł Kč Ft lei Fr. Rs. Rs руб. руб лв"
CURRENCIES = frozenset((*_LOCAL.split(), *_CODES.split(), *_SIGNS))


def is_unit(text: str) -> bool:
    """Whether a text is a unit of measurement, bare or in brackets."""
    bare = bare_unit(text)
    parts = [part if part.isdigit() else _POWER.sub("", part) for part in _PARTS.split(bare)]
    is_whole = all(part in _KNOWN or part in {"", "1"} for part in parts)
    return is_whole and len(bare) <= _LONGEST and not _KNOWN.isdisjoint(parts)


def bare_unit(text: str) -> str:
    """The unit without brackets."""
    text = text.strip()
    return text[1:-1].strip() if len(text) > 1 and text[0] + text[-1] in _BRACKETS else text
