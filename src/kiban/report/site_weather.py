"""The user's weather files of ``kiban predict --weather`` to hourly air by zone or place."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path

from kiban.facility.plant import Outdoors
from kiban.facility.weather_faults import WeatherFileError
from kiban.facility.weather_files import read_weather
from kiban.facility.zone_weather import is_zone_table, read_zone_table

MOST_FILE_BYTES = 100_000_000
_GZIP = b"\x1f\x8b"


class SiteWeatherError(ValueError):
    """Everything that is wrong with the weather files, one sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def read_site_weather(given: Sequence[str]) -> dict[str, Outdoors]:
    """Read weather files.

    Argument: each ``FILE`` or ``NAME=FILE``, NAME a climate zone or a place. A table with a zone column serves its
    zones; any other file serves its name, or every row without one. gzip is unpacked.
    Result: hourly air by name in lower case. Errors: SiteWeatherError with every fault of every file.
    """
    found: dict[str, Outdoors] = {}
    problems: list[str] = []
    for item in given:
        name, _, file = item.rpartition("=") if not Path(item).exists() else ("", "", item)
        try:
            years = _years(Path(file), name.strip().lower())
        except WeatherFileError as error:
            problems += [fault.render() for fault in error.faults]
            continue
        except (OSError, EOFError, zlib.error) as error:
            problems.append(f"cannot read {file}: {getattr(error, 'strerror', None) or error}")
            continue
        problems += [f"{file}: weather of '{twice}' is given twice" for twice in sorted(set(years) & set(found))]
        found |= years
    if problems:
        raise SiteWeatherError(problems)
    return found


def _years(path: Path, name: str) -> dict[str, Outdoors]:
    data = path.read_bytes()
    if data.startswith(_GZIP):
        data = gzip.decompress(data)
    if len(data) > MOST_FILE_BYTES:
        raise OSError("the file is larger than 100 MB")
    text = data.decode("utf-8", errors="replace")
    if not is_zone_table(text):
        return {name: read_weather(text, path.name).outdoors}
    zones = read_zone_table(text, path.name)
    if name and set(zones) == {""}:
        return {name: zones[""]}
    return {zone.lower(): air for zone, air in zones.items()}
