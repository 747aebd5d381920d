"""Labels that are likely wrong.

Read labelled.py (what is audited), judging.py (`audit`), result.py (what it found), then how that
is shown: text.py, record.py, page.py.
"""

from pminusy.api.audit.judging import audit
from pminusy.api.audit.result import Audit

__all__ = ["Audit", "audit"]
