"""Yes and no, as people of several languages write them.

Of single letters only those that seldom mean anything else: N and S are north and south, D and N day and night.
"""

from __future__ import annotations

from collections.abc import Collection

_WORDS = (
    ("true t", "false f"),
    ("yes y", "no n"),
    ("ja j", "nein n"),
    ("ja j", "nej n"),
    ("ja j", "nee n"),
    ("oui o", "non n"),
    ("vrai", "faux"),
    ("wahr", "falsch"),
    ("sí si", "no n"),
    ("sì si", "no n"),
    ("sim", "não nao n"),
    ("tak", "nie n"),
    ("да", "нет"),
    ("так", "ні"),
    ("ano", "ne"),
    ("áno", "nie"),
    ("igen", "nem"),
    ("da", "nu"),
    ("da", "ne"),
    ("kyllä", "ei"),
    ("evet", "hayır"),
    ("ναι", "όχι"),
    ("ya", "tidak"),
    ("はい", "いいえ"),
    ("是", "否"),
    ("예", "아니오"),
    ("نعم", "لا"),
    ("כן", "לא"),
    ("verdadero", "falso"),
    ("verdadeiro", "falso"),
    ("vero", "falso"),
    ("waar", "onwaar"),
    ("sant", "falskt"),
    ("prawda", "fałsz"),
    ("истина", "ложь"),
    ("✓ ✔ ☑ ✅", "✗ ✘ ☐ ❌"),
    ("on", "off"),
)
PAIRS = tuple((frozenset(yes.split()), frozenset(no.split())) for yes, no in _WORDS)
# For a column that somebody has declared: no word means yes in one language and no in another.
ANY = (
    frozenset("1").union(*(yes for yes, _ in PAIRS)),
    frozenset("0").union(*(no for _, no in PAIRS)),
)
WORDS = frozenset().union(*(yes | no for yes, no in PAIRS))
# A column that knows one of these only is still one of truths; "no" alone may be Norway.
_TELLING = frozenset(("true", "false"))


def choose_pair(words: Collection[str]) -> tuple[frozenset[str], frozenset[str]] | None:
    """The pair to which all these lower-case words belong, both sides of it present; else None."""
    found = frozenset(words)
    for yes, no in PAIRS:
        if found <= yes | no and ((found & yes and found & no) or found & _TELLING):
            return yes, no
    return None
