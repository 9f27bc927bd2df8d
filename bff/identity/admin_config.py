"""Django's admin app with our site."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class StaffAdminConfig(AdminConfig):
    default_site = "bff.identity.admin_site.StaffSite"
