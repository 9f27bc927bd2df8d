"""Shared by all routes: the error format, media types, the OpenAPI document, middlewares of pages."""
