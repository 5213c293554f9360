"""Settings with other values, whether the kernel's or a feature's."""

from typing import Any

import msgspec

from api.kernel.settings import Settings


def configured(settings: Settings, **values: Any) -> Settings:
    """Return the settings with these fields changed, in the kernel or a feature. Raises TypeError for an unknown
    field."""
    features = {}
    kernels = {field.name for field in msgspec.structs.fields(Settings)} & values.keys()
    known = set(kernels)
    for kind, own in settings.features.items():
        names = {field.name for field in msgspec.structs.fields(kind)} & values.keys()
        known |= names
        features[kind] = msgspec.structs.replace(own, **{name: values[name] for name in names})
    if known != values.keys():
        raise TypeError(f"unknown settings: {', '.join(sorted(values.keys() - known))}")
    return msgspec.structs.replace(settings, features=features, **{name: values[name] for name in kernels})
