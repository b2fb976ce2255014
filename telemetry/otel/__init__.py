"""Spans, metrics and log lines to Azure Monitor and to OTLP collectors: all that knows OpenTelemetry's SDK.

Imported by ``telemetry.exporting`` in each worker, and only where something is configured to receive it.
"""
