"""Reads a PDF, a Word file or a picture in a process of its own: `python -m chat.document_reader`.

What people send may be broken or built to break us, and the libraries that open it are large and written in C. So they
run apart: with little memory and time, without the network, unable to write a file, knowing no secret. This package
imports nothing else of the program, to start quickly.

The document comes on stdin, its kind and limits as one JSON argument. On stdout goes one JSON object: what was read,
`{"text": str, "pages": int, "pages_read": int}`, or `{"error": code}`.
"""
