"""The MUSTs of the specifications that this product is held to, each with the tests that hold it.

Read by ``tests/test_requirements.py``, which checks both ways: a requirement names tests that exist, a test
that claims requirements claims those that name it. The texts are our own words.
"""

from typing import Final

from tests.requirements.clients import CLIENTS
from tests.requirements.code_flow import CODE_FLOW
from tests.requirements.connections import CONNECTIONS
from tests.requirements.discovery import DISCOVERY
from tests.requirements.framework import FRAMEWORK
from tests.requirements.machines import MACHINES
from tests.requirements.mcp_authorization import AUTHORIZATION
from tests.requirements.mcp_features import FEATURES
from tests.requirements.mcp_parameter_headers import PARAMETER_HEADERS
from tests.requirements.mcp_sessions import SESSIONS
from tests.requirements.mcp_subscriptions import SUBSCRIPTIONS
from tests.requirements.mcp_tasks import TASKS
from tests.requirements.mcp_transports import TRANSPORTS
from tests.requirements.people import PEOPLE
from tests.requirements.requirement import Requirement
from tests.requirements.tokens import TOKENS

REQUIREMENTS: Final[tuple[Requirement, ...]] = (
    *AUTHORIZATION,
    *TRANSPORTS,
    *CONNECTIONS,
    *FEATURES,
    *PARAMETER_HEADERS,
    *SESSIONS,
    *SUBSCRIPTIONS,
    *TASKS,
    *FRAMEWORK,
    *CLIENTS,
    *CODE_FLOW,
    *DISCOVERY,
    *TOKENS,
    *MACHINES,
    *PEOPLE,
)
