"""The product: five rooms that never import each other."""
