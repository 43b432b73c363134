"""Abbreviations that end in a point, without it and in lower case."""

from __future__ import annotations

# Titles and forms of address, before a name.
_BEFORE_NAMES = (
    "mr mrs ms mx dr prof rev hon st sr sra srta dra messrs mme mlle mgr gen lt col maj capt cpt"
    " sgt adm cmdr gov sen rep pres amb supt insp hr fr frau ing dipl mag sig dott avv geb ds drs"
)
# Before a number, a word or a name.
_BEFORE_MORE = (
    "no nos vol vols fig figs eq eqs sec sect ch chap pp pg par art arts ed eds op cf vs v viz"
    " nr bd bde hrsg hg abb tab kap abs ziff bsp vgl sog z.b d.h u.a i.d.r o.ä s.o s.u bzw ca"
    " circa evtl ggf inkl exkl zzgl mind max min approx est e.g i.e eg ie a.k.a p.ej ej av avda"
    " núm nº cap tel bijv d.w.z m.b.t p.ex ex env réf pag pagg mt ft bros dept univ assn nat natl"
)
_AT_AN_END_TOO = (
    "jr sr inc ltd corp co llc plc etc al u.s u.k u.n e.u d.c l.a n.y a.m p.m am pm b.c a.d"
    " b.c.e c.e ph.d m.d b.a m.a b.sc m.sc d.phil esq jan feb mar apr jun jul aug sep sept oct"
    " nov dec okt dez mrz mon tue wed thu fri sat sun ave blvd rd usw u.v.m gmbh ag ss s.a s.p.a"
    " s.r.l n.v b.v enz blz ibid id esp n.chr v.chr chr jh jhd u.ä u.s.w a.c ecc"
)
_ORDINALS = "cs da de et fi hr hu is lv nb no pl sk sl sr tr"

NEVER_END = frozenset((*_BEFORE_NAMES.split(), *_BEFORE_MORE.split()))
"""After these no sentence ends."""

MAY_END = frozenset(_AT_AN_END_TOO.split())
"""After these a sentence ends when the next word is one that begins sentences."""

ORDINAL_LANGUAGES = frozenset(_ORDINALS.split())
"""Languages that write ordinal numbers with a point: "am 3. Oktober"."""
