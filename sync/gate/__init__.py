"""The gate: what comes from a client passes it before anything else sees it.

scan            grammar: the bytes are an update that Yjs and Yrs read in the same way
Gate            and it continues this document, is this person's to write, and fits the document's shape
AwarenessGate   the same for one connection's presence
"""

from sync.codec import Malformed
from sync.gate.awareness import AwarenessGate
from sync.gate.gate import Admitted, Gate, Refused
from sync.gate.kinds import ARRAY, MAP, TEXT, XML_ELEMENT, XML_FRAGMENT, XML_TEXT
from sync.gate.limits import Limits
from sync.gate.scan import scan

__all__ = [
    "ARRAY",
    "MAP",
    "TEXT",
    "XML_ELEMENT",
    "XML_FRAGMENT",
    "XML_TEXT",
    "Admitted",
    "AwarenessGate",
    "Gate",
    "Limits",
    "Malformed",
    "Refused",
    "scan",
]
