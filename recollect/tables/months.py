"""The names of months and of days of the week as people of several languages write them, in full and cut short."""

from __future__ import annotations

import unicodedata
from functools import cache

# A line a month: English, German, French, Spanish, Italian, Portuguese, Dutch, Nordic, Catalan, Romanian, Indonesian,
# Polish, Czech, Slovak, Hungarian, Finnish, Turkish, Russian, Ukrainian, Greek; as subject and as in a date.
_NAMES = (
    "january januar jänner janvier enero gennaio janeiro januari gener ianuarie styczeń stycznia leden ledna január"
    " januára tammikuu tammikuuta ocak январь января січень січня ιανουάριος ιανουαρίου",
    "february februar feber février febrero febbraio fevereiro februari febrer februarie luty lutego únor února február"
    " februára helmikuu helmikuuta şubat февраль февраля лютий лютого φεβρουάριος φεβρουαρίου",
    "march märz maerz mrz mrt mar mars marzo março maart marts març martie maret marzec marca březen března marec"
    " március maaliskuu maaliskuuta mart март марта березень березня μάρτιος μαρτίου",
    "april avril abril aprile aprilie kwiecień kwietnia duben dubna apríl apríla április huhtikuu huhtikuuta nisan"
    " апрель апреля квітень квітня απρίλιος απριλίου",
    "may mai mayo maggio maio mei maj maig maja květen května máj mája május toukokuu toukokuuta mayıs mayis май мая"
    " травень травня μάιος μαΐου",
    "june juni juin junio giugno junho juny iunie czerwiec czerwca červen června jún júna június kesäkuu kesäkuuta"
    " haziran июнь июня червень червня ιούνιος ιουνίου",
    "july juli juillet julio luglio julho juliol iulie lipiec lipca červenec července júl júla július heinäkuu"
    " heinäkuuta temmuz июль июля липень липня ιούλιος ιουλίου",
    "august août agosto augustus augusti agost agustus sierpień sierpnia srpen srpna augusta augusztus elokuu elokuuta"
    " ağustos август августа серпень серпня αύγουστος αυγούστου",
    "september septembre septiembre setiembre settembre setembro setembre septembrie wrzesień września září septembra"
    " szeptember syyskuu syyskuuta eylül сентябрь сентября вересень вересня σεπτέμβριος σεπτεμβρίου",
    "october oktober octobre octubre ottobre outubro octombrie październik października říjen října október októbra"
    " lokakuu lokakuuta ekim октябрь октября жовтень жовтня οκτώβριος οκτωβρίου",
    "november novembre noviembre novembro noiembrie listopad listopada listopadu novembra marraskuu marraskuuta kasım"
    " kasim ноябрь ноября листопад листопада νοέμβριος νοεμβρίου",
    "december dezember décembre diciembre dicembre dezembro desember desembre decembrie grudzień grudnia prosinec"
    " prosince decembra joulukuu joulukuuta aralık aralik декабрь декабря грудень грудня δεκέμβριος δεκεμβρίου",
)
_DAYS = (
    "monday tuesday wednesday thursday friday saturday sunday montag dienstag mittwoch donnerstag freitag samstag"
    " sonnabend sonntag lundi mardi mercredi jeudi vendredi samedi dimanche lunes martes miércoles jueves viernes"
    " sábado domingo lunedì martedì mercoledì giovedì venerdì sabato domenica segunda terça quarta quinta sexta"
    " maandag dinsdag woensdag donderdag vrijdag zaterdag zondag måndag tisdag onsdag torsdag fredag lördag söndag"
    " mandag tirsdag lørdag søndag poniedziałek wtorek środa czwartek piątek sobota niedziela pondělí úterý středa"
    " čtvrtek pátek neděle понедельник вторник среда четверг пятница суббота воскресенье"
)
_SHORTEST, _SHORTEST_DAY = 3, 2


def month_of(name: str) -> int | None:
    """The month, 1 to 12, that a name or the beginning of one means; None where it is none or may be several."""
    return _months().get(_fold(name))


def is_weekday(name: str) -> bool:
    """Whether a name or the beginning of one means a day of the week."""
    return len(name) >= _SHORTEST_DAY and any(day.startswith(_fold(name)) for day in _weekdays())


@cache
def _weekdays() -> tuple[str, ...]:
    return tuple(map(_fold, _DAYS.split()))


@cache
def _months() -> dict[str, int]:
    whole = {_fold(name): month for month, names in enumerate(_NAMES, 1) for name in names.split()}
    begun: dict[str, set[int]] = {}
    for name, month in whole.items():
        for length in range(_SHORTEST, len(name)):
            begun.setdefault(name[:length], set()).add(month)
    return {name: months.pop() for name, months in begun.items() if len(months) == 1} | whole


def _fold(name: str) -> str:
    """The name without case and marks: aout is août."""
    return "".join(each for each in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(each))
