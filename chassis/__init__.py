"""What every service stands on: bus, outbox, settings, log, metrics, health, lifecycle."""
