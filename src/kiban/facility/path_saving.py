"""What a power path saves against double conversion at the same site, with the range of the rows that both rest on."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kiban.catalog import Catalog
from kiban.facility.hall_choices import PATH_KEYS
from kiban.facility.inputs import CHAIN_KEYS, base_parameters
from kiban.facility.model import SiteYear
from kiban.facility.power_chain import PowerChain
from kiban.facility.power_paths import power_path
from kiban.results import PathSaving
from kiban.scenario.hall_part import PowerPathPart

UPS_KEYS = tuple(key for name, key in CHAIN_KEYS.items() if name.startswith("ups_efficiency"))
BASELINE = PowerPathPart().ups


def path_saving(
    catalog: Catalog, part: PowerPathPart, year_under: Callable[[PowerChain], SiteYear]
) -> PathSaving | None:
    """Give what a path saves, or None where it is double conversion itself.

    Arguments: catalogue, the site's path, the site's year by power chain. Result: PUE of double conversion with the
    same spare units, and how far the gain goes with every row of the one path at its bad end and of the other at its
    good end, and the other way round. Rows that both share stand at their values. Errors: catalogue errors.
    """
    if part.ups == BASELINE:
        return None
    other, under_other = _under(catalog, part, BASELINE, year_under)
    rack, _ = _under(catalog, part, part.ups, year_under)
    own, baseline = _own_keys(part.ups)
    gains = []
    for bad in (own, baseline):
        good = baseline if bad is own else own
        corner = catalog.with_overrides(_ends(catalog, bad, worse=True) | _ends(catalog, good, worse=False))
        this_rack, this = _under(corner, part, part.ups, year_under)
        that_rack, that = _under(corner, part, BASELINE, year_under)
        gains.append((that.annual_pue - this.annual_pue, that.annual_pue * this_rack / that_rack - this.annual_pue))
    (least, least_boards), (most, most_boards) = gains
    return PathSaving(
        annual_pue=under_other.annual_pue,
        peak_pue=under_other.peak_pue,
        rack_it_frac=rack / other - 1.0,
        gain_pue=(least, most),
        same_boards_gain_pue=(least_boards, most_boards),
    )


def _under(
    catalog: Catalog, part: PowerPathPart, ups: str, year_under: Callable[[PowerChain], SiteYear]
) -> tuple[float, SiteYear]:
    """Efficiency of the rack's own conversion, and the site's year."""
    path = power_path(catalog, base_parameters(catalog)[1], ups, part.redundancy, part.units)
    return path.rack_efficiency_frac, year_under(path.chain)


def _own_keys(ups: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Rows of a path that double conversion does not share, and those of double conversion that the path does not."""
    mine = set(PATH_KEYS[ups])
    others = {*PATH_KEYS[BASELINE], *UPS_KEYS}
    if ups == "dc_800v":
        others.add(CHAIN_KEYS["distribution_loss_frac"])
    return tuple(sorted(mine - others)), tuple(sorted(others - mine))


def _ends(catalog: Catalog, keys: Iterable[str], worse: bool) -> dict[str, tuple[float, str]]:
    """Rows at the end of their range that loses more, or less: losses high, efficiencies low."""
    found = {}
    for key in keys:
        low, _, high = catalog.range(key)
        found[key] = (high if ("_loss_frac" in key) == worse else low, "end of its range")
    return found
