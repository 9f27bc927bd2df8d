"""The confined process that reads one document and finds its facts.

Uploaded files may be malicious, and the libraries that parse them are large and partly written in C. So they run in a
process with limits on memory and CPU time, without network, without write access to files and without secrets in its
environment (`restrictions`). Long texts are read here, too, so that they take no CPU time of the workers.

`python -m chat.documents.sandbox` is the process that forks them (`fork_server`). It imports neither Django nor gevent.
Protocol: the kind and the limits arrive on stdin as a line of JSON, then the document. stdout receives one JSON object:
the fields of `Reading`, or `{"error": code}`.
"""
