"""What the Python array API standard asks of a namespace as a whole: version and capabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad.errors import at_user_line

API_VERSION = "2024.12"
"""Version of the standard that `jitad.numpy` follows."""

_KINDS = {
    "bool": ("bool",),
    "signed integer": ("int8", "int16", "int32", "int64"),
    "unsigned integer": ("uint8", "uint16", "uint32", "uint64"),
    "real floating": ("float32", "float64"),
    "complex floating": ("complex64", "complex128"),
}
_UNIONS = {
    "integral": ("signed integer", "unsigned integer"),
    "numeric": ("signed integer", "unsigned integer", "real floating", "complex floating"),
}


def require_cpu(device: Any) -> None:
    """Raise ValueError for what does not name the CPU: "cpu", one of `jitad.devices()`, or None."""
    if device not in (None, "cpu") and getattr(device, "platform", None) != "cpu":
        raise ValueError(
            at_user_line(f'Device not understood. Only "cpu" is allowed; got {device}')
        )


class NamespaceInfo:
    """Result of `__array_namespace_info__()`: see the methods."""

    def capabilities(self) -> dict[str, Any]:
        """Outside of traced functions the shapes of results may depend on values."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> str:
        """The one device, "cpu"."""
        return "cpu"

    def devices(self) -> list[str]:
        """All devices."""
        return ["cpu"]

    def default_dtypes(self, *, device: Any = None) -> dict[str, np.dtype[Any]]:
        """Dtypes of arrays made without one. Raises ValueError for a device other than "cpu"."""
        require_cpu(device)
        names = {"real floating": "f8", "complex floating": "c16", "integral": "i8"}
        return {
            **{kind: np.dtype(name) for kind, name in names.items()},
            "indexing": np.dtype("i8"),
        }

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, np.dtype[Any]]:
        """Dtypes by name, of a kind ("bool", "signed integer", "unsigned integer", "integral",
        "real floating", "complex floating", "numeric"), of a tuple of kinds, or all of them."""
        require_cpu(device)
        kinds = tuple(_KINDS) if kind is None else kind if isinstance(kind, tuple) else (kind,)
        found: dict[str, np.dtype[Any]] = {}
        for one in kinds:
            if one not in _KINDS and one not in _UNIONS:
                raise ValueError(at_user_line(f"unsupported kind: {one!r}"))
            for part in _UNIONS.get(one, (one,)):
                found.update({name: np.dtype(name) for name in _KINDS[part]})
        return found
