"""Which texts would run, open, import or build something if a library took them for more than a text?

Each that is code leaves ``CANARY``: as a file where it runs, as a name among the builtins, or as a word that an audit
hook hears. No library of ours knows the words of ``MARKS``, so whoever reaches for one has it from a program.
"""

from __future__ import annotations

import base64

CANARY = "qsubmit_canary"
MARKS = (CANARY, "antigravity")

CODE = (
    f"__import__('builtins').__dict__.__setitem__('{CANARY}',1)",
    f"open('{CANARY}','w').write('x')",
    f"__import__('pathlib').Path('{CANARY}').touch()",
    "__import__('antigravity')",
    "exec('import antigravity')",
    f"(lambda: __import__('os').system('touch {CANARY}'))()",
    f"[c for c in ().__class__.__base__.__subclasses__() if '{CANARY}' != open('{CANARY}','w')]",
    f"a+open('{CANARY}','w').fileno()",
    f"Symbol('{CANARY}')+open('{CANARY}','w').fileno()",
)
REFERENCES = (
    "antigravity",
    "antigravity:fly",
    "antigravity.geohash",
    f"../../{CANARY}",
    f"/tmp/{CANARY}",
    f"file:///tmp/{CANARY}",
    f"\\\\host\\{CANARY}",
    "__class__",
    "__init__",
    "__globals__",
    "__builtins__",
    "constructor.prototype",
)
FORMATS = (
    f"{{0.__class__.__init__.__globals__[{CANARY}]}}",
    f"%({CANARY})s",
    f"${{{CANARY}}}",
    f"$(touch {CANARY})",
    f"`touch {CANARY}`",
    f"{{{{ {CANARY} }}}}",
    f"${{jndi:ldap://127.0.0.1/{CANARY}}}",
    f"=cmd|'/C touch {CANARY}'!A0",
)
OBJECTS = (
    f"!!python/object/apply:os.system ['touch {CANARY}']",
    "cantigravity\ngeohash\n(tR.",
    base64.b64encode(b"\x80\x04cantigravity\ngeohash\n)R.").decode(),
    '{"py/object": "antigravity.geohash"}',
    "pcvlar 1 0",
    ":PCVL:zip:eJwDAAAAAAE=",
    ":PCVL:Matrix:AAAA",
    ":PCVL:StateVector:(1,0)*|1,0>",
)
BOMBS = ("9**9**9**9", "(a+)+$", "a(0:99999999)", "a,b,c", "x" * 5000, "(" * 500, "1e99999", "NaN", "-" * 300 + "a")
ATTACKS = (*CODE, *REFERENCES, *FORMATS, *OBJECTS, *BOMBS)
WORDS = ("antigravity", CANARY, "__import__", "eval", "os", "lambda", "E", "I", "S", "sin", "pi")
"""Attacks that are a legal name in some language."""
