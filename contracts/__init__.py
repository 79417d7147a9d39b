"""The published language: messages, subjects and their golden examples."""
