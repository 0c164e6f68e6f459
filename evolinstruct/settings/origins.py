"""Origins: which settings hold, and which place each is from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from evolinstruct.settings.layers import Layer, resolve

DEFAULTS = "Defaults"


class Origin(NamedTuple):
    """A setting that holds.

    Attributes:
        name: of the setting.
        key: the purpose, rule or other key that the value is for; empty where it has none.
        value: what holds.
        place: where it is from, such as `Flags`, or `Defaults` where nobody says it.
    """

    name: str
    key: str
    value: Any
    place: str


def origins_of(layers: Sequence[Layer]) -> list[Origin]:
    """Return every setting that holds, those of the nearest place first.

    Raises:
        EvolinstructError: of a layer's kind: a setting is wrong.
    """
    settings = resolve(*layers)
    naming = next((layer for layer in layers if layer.preset is not None), None)
    presets = [] if naming is None else [Layer(naming.below(), place=f"The preset {naming.preset}")]
    places = [(layer.place, layer.checked()) for layer in (*layers, *presets)]
    found = [
        Origin(name, key, value, _place(name, key, value, places))
        for part in (settings.recipe, settings.seeds, settings.execution)
        for name in type(part).model_fields
        for key, value in _values(getattr(part, name))
    ]
    order = [*dict(places), DEFAULTS]
    return sorted(found, key=lambda origin: order.index(origin.place))


def _values(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        yield from value.items()
    else:
        yield "", value


def _place(name: str, key: str, value: object, places: Sequence[tuple[str, Any]]) -> str:
    """Return the nearest place that says this value."""
    for place, said in places:
        if name in said and (key, value) in _values(said[name]):
            return place
    return DEFAULTS
