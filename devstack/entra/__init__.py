"""The Entra ID emulator: enough of Microsoft Entra ID v2.0, and as strict, for signing in on one machine.

``mcpstack up`` runs it as a process (``python -m devstack.entra``), tests as an ``EntraEmulator`` in their
own. It speaks on two ports: the login page is plain http at 127.0.0.1, another site than ``localhost``, so
that cookie mistakes show; the back channel (discovery, token, keys) is https at ``localhost`` under a
private CA, because MSAL accepts nothing else. Must not import the servers that sign people in here, nor be
imported by what ships.
"""

from devstack.entra.ca import ensure_ca
from devstack.entra.emulator import EntraEmulator

__all__ = ["EntraEmulator", "ensure_ca"]
