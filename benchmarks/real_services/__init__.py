"""`make real-services`: chat-bff with services that people run, llama.cpp and LiteLLM, in place of the stand-in.

They are installed into a virtualenv of their own, .venv-upstreams; llama.cpp is compiled once, in about five minutes.
"""
