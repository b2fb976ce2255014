"""Named values: ``{{name}}`` in a policy, replaced before anything in the policy is understood.

Called by ``apim_folder``. The file holds the defaults of one machine; what the command line says wins. Must
not be used for secrets: values show up in error messages.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devstack.gateway.errors import ConfigurationError, Place
from devstack.gateway.xml_document import Element

_REFERENCE = re.compile(r"\{\{([^{}]*)\}\}")


@dataclass(frozen=True, slots=True)
class NamedValues:
    """The values by name."""

    values: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    def substitute(self, root: Element) -> None:
        """Replace every reference below ``root``, in place, before the policies are read.

        Raises:
            ConfigurationError: a name that is not defined; names file and line.
        """
        for element in root.walk():
            element.text = self.fill(element.text, element.place)
            for name, value in element.attributes.items():
                element.attributes[name] = self.fill(value, element.place)

    def fill(self, text: str, place: Place | Path) -> str:
        """Return the text with every reference replaced.

        Raises:
            ConfigurationError: a name that is not defined; names the place.
        """

        def value(match: re.Match[str]) -> str:
            if match[1] not in self.values:
                raise ConfigurationError(place, f"named value {match[1]!r} is not defined")
            return self.values[match[1]]

        return _REFERENCE.sub(value, text) if "{{" in text else text


def load(path: Path, overrides: Mapping[str, str]) -> NamedValues:
    """Read the file of defaults and put ``overrides`` over it.

    ``issuer`` and ``resource`` follow an overridden ``public-url``, and ``openid-config-url`` an overridden
    ``authserver-url``, unless they are given, too.

    Raises:
        ConfigurationError: the file is not an object of ``{"name": {"value": "…"}}``, or an override names a
            value that the file does not.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        values = {str(name): str(entry["value"]) for name, entry in document.items()}
    except OSError as error:
        raise ConfigurationError(path, f"cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigurationError(
            path, f"must be an object of names to {{value, description}}: {error}"
        ) from error
    for name in overrides:
        if name not in values:
            raise ConfigurationError(path, f"there is no named value {name!r} to override")
    followers = {}
    if "public-url" in overrides:
        followers = {"issuer": overrides["public-url"], "resource": overrides["public-url"] + "/mcp"}
    if "authserver-url" in overrides:
        followers["openid-config-url"] = overrides["authserver-url"] + "/.well-known/openid-configuration"
    return NamedValues({**values, **{k: v for k, v in followers.items() if k in values}, **overrides})
