"""Every policy the gateway understands, by the name of its element.

Used by ``policy_files``. ``base`` and ``include-fragment`` are missing: they are resolved before.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from devstack.gateway.errors import ConfigurationError
from devstack.gateway.pipeline import Policy
from devstack.gateway.policies import cors, flow, headers, rate_limit, routing, validate_jwt
from devstack.gateway.policies.reading import Reading
from devstack.gateway.xml_document import Element

READERS: Mapping[str, Callable[[Element, Reading], Policy]] = MappingProxyType(
    {
        "choose": flow.read_choose,
        "cors": cors.read_cors,
        "forward-request": routing.read_forward_request,
        "rate-limit-by-key": rate_limit.read_rate_limit_by_key,
        "return-response": flow.read_return_response,
        "rewrite-uri": routing.read_rewrite_uri,
        "set-backend-service": routing.read_set_backend_service,
        "set-header": headers.read_set_header,
        "set-variable": flow.read_set_variable,
        "validate-jwt": validate_jwt.read_validate_jwt,
    }
)


def read_all(elements: Sequence[Element], reading: Reading) -> tuple[Policy, ...]:
    """Read policies that stand side by side.

    Raises:
        ConfigurationError: one is unknown, or not written as it should be.
    """
    policies = []
    for element in elements:
        if element.tag not in READERS:
            raise ConfigurationError(
                element.place, f"the local gateway does not know the policy <{element.tag}>"
            )
        policies.append(READERS[element.tag](element, reading))
    return tuple(policies)
