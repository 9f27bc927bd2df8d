"""Figures on disk, and the tables, charts and pages that show them."""
