"""The confined process that reads one document and finds its facts: `python -m chat.documents.sandbox`.

Uploaded files may be malicious, and the libraries that parse them are large and partly written in C. So they run in a
process with limits on memory and CPU time, without network, without write access to files and without secrets in its
environment (`restrictions`). Long texts are read here, too, so that they take no CPU time of the workers.

It imports neither Django nor gevent, to start quickly. Protocol: the document arrives on stdin, its kind and limits as
one JSON argument. stdout receives one JSON object: the fields of `Reading`, or `{"error": code}`.
"""
