"""Documents that people paste or upload: their text, and the facts found in it without the AI.

| module | content |
| --- | --- |
| `reading` | file or pasted text → `Document`; binary formats are read by `sandbox_client` |
| `kinds` | detects the type of a file from its content |
| `text` | decodes and cleans plain text |
| `extraction` | text → `Facts`: days and periods, amounts, references, the sender |
| `facts` | what it finds; `fact_labels` names it in the active language |
| `errors` | why a document cannot be read |
| `sandbox` | the confined process that parses PDF, Word and images; `sandboxes` starts one |

This module imports nothing: the sandbox process loads it and must start quickly.
"""
