"""What names, ids and sizes may be: written once for both edges, and held to openapi.yaml by a test."""

from __future__ import annotations

import re

SPACE_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
EPISODE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}")
COMPLETION_ID = re.compile(r"cmp_[A-Za-z0-9_-]{1,60}")
CURSOR = re.compile(r"[A-Za-z0-9_-]{1,512}")
IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,128}")
REQUEST_ID = re.compile(r"[A-Za-z0-9._~-]{1,128}")

MAX_HEADERS = 100
MAX_HYPOTHESES = 50
MAX_ITERATIONS = 50
MAX_BATCH_ITEMS = 256
MAX_IMPORT_ITEMS = 1000
MAX_FILL_ROWS = 1000
MAX_RECALL_ITEMS = 200
MAX_PAGE_ITEMS = 1000
MAX_CONTEXT_ITEMS = 16
MAX_CONTEXT_LENGTH = 128
LEAST_COVERAGE, MOST_COVERAGE = 0.5, 0.99
LEAST_CASES, MOST_CASES = 10, 5000  # held out of one field
MAX_CONDITIONS, MAX_ONE_OF = 4, 100
MAX_PROBES = 20
LEAST_MERGED, MOST_MERGED = 2, 20

# Who forwards a request speaks for others: these say that somebody did.
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
