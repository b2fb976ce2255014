"""The Entra ID emulator: as much of Microsoft Entra ID's v2.0 endpoints as a sign-in needs, as strict as
Entra.

``devstack.up`` runs it as a process (``python -m devstack.entra``), tests as an ``EntraEmulator`` in their
own. The login page is plain http on 127.0.0.1, another site than ``localhost``, so that cookie mistakes
show; the back channel is https under a private CA, because MSAL accepts nothing else. Must never be imported
by what ships.
"""

from devstack.entra.authority import ensure_ca
from devstack.entra.emulator import EntraEmulator

__all__ = ["EntraEmulator", "ensure_ca"]
