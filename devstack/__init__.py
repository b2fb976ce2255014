"""The local stack: Entra ID emulator, gateway, and the command that runs them all; ships nowhere."""
