"""Calls to the AI service. Start reading at session.py, which follows one call through the other modules.

service            the configured services; compose: the request for a question or a document to one of them
session            one call: deadline → attempt → permit → POST → outcome → retry
slots              limits the calls of this process at a time
retry              the retry policy and its budget
attempt_recorder   the outcome of one attempt, for the breaker, metrics, log, trace and provenance
breaker_registry   the program's circuit breakers; breaker/ has their rules
http/              HTTP with limits on time and size: transport, adapter, connection, reply; cancel_scope ends a call
request            what to send and how to decode the response; errors of one attempt
refusals           classifies HTTP errors: service, operator, request or filter
options            the optional fields that a service accepts
service_state      the service's state from the results of calls, for `/readyz`
protocols/         the two protocols, openai and rag, and what they share
prompts            the texts sent to the AI; dialogue: the conversation in strict turns
errors             the errors that a call raises
service_trial      one question without retries and breaker, for `manage.py check_ai`; trial_findings and
                   error_explanations describe its result
"""
