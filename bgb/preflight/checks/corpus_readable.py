"""The corpus is there, and nearly all of it can be read.

A prefix that is doubled, a mount that is empty or labels that lie elsewhere leave a folder that exists and holds
nothing. Each recording is opened by its header and its label file; those that cannot be used are named with the field
that is wrong.

How to fix: mend or fetch again the files named below; a corpus that really lacks them needs `data.max_refused_share`.
"""

from __future__ import annotations

from collections import Counter

from bgb.preflight.contract import RunContract
from bgb.preflight.facts.corpus_index import CorpusIndex
from envcheck.core import Context, Evidence, Finding

SHOWN = 10


def check(context: Context) -> Finding:
    """Count the recordings that headers or labels refuse."""
    index, contract = context.facts[CorpusIndex], context.expect[RunContract]
    if index.error is not None:
        return Finding.failed(index.error, remedy="set paths.corpus to the folder that holds train/, dev/ and eval/")
    refused = [recording for recording in index.recordings if recording.refused is not None]
    total = len(index.recordings)
    evidence = [
        Evidence(subject=recording.key, found=str(recording.refused), expected="a usable recording")
        for recording in refused[:SHOWN]
    ]
    if len(refused) > SHOWN:
        evidence.append(Evidence(subject="and more", found=f"{len(refused) - SHOWN} recordings"))
    if not total or len(refused) > contract.max_refused_share * total:
        return Finding.failed(
            f"{len(refused)} of {total} recordings cannot be used",
            *evidence,
            remedy="mend these files, or state what is acceptable in data.max_refused_share",
        )
    repaired = Counter(repair for recording in index.recordings for repair in recording.repaired)
    mended = f"; repaired in memory: {', '.join(f'{n} {what}' for what, n in repaired.items())}" if repaired else ""
    return Finding.passed(f"{total - len(refused)} of {total} recordings can be used{mended}", *evidence)
