"""`make listen`: render every sentence from the installed prompts, have a recogniser hear it, write docs/listening.md.

Exit 1 where a sentence is heard otherwise than its recordings say, in more words than by its known slip of the recogniser
(scripts/listening/slips.json). `--slips` writes that list anew: read it before it is kept.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from listening.hearing import Whisper, errors_in, recorded_texts, reference
from listening.render import RATE, NoPackError, prepared, rendered
from listening.report import Heard, page
from listening.sentences import sentences

ROOT = Path(__file__).resolve().parents[2]
SLIPS = Path(__file__).parent / "slips.json"


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="make listen", description=__doc__)
    parser.add_argument("--slips", action="store_true", help="write down what is heard otherwise as known slips")
    parser.add_argument("--page", type=Path, default=ROOT / "docs/listening.md", help="where the report goes")
    given = parser.parse_args()
    slips: dict[str, dict[str, str]] = json.loads(SLIPS.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as scratch:
        try:
            pack = prepared(Path(scratch) / "prompts")
        except NoPackError as error:
            print(f"make listen: {error}", file=sys.stderr)
            return 2
        whisper = Whisper(Path(scratch) / "model")
        texts = {language: recorded_texts(language) for language in ("fr", "en")}
        heard: list[Heard] = []
        known: dict[str, int] = {}
        for sentence in sentences():
            sound = rendered(sentence.said, pack)
            wanted = reference(sentence, texts[sentence.language])
            got = whisper.hear(sound, sentence.language)
            errors, count = errors_in(wanted, got, sentence.language)
            heard.append(Heard(sentence, len(sound) / RATE, count, errors, got))
            slip = slips.get(heard[-1].key)
            known[heard[-1].key] = errors_in(wanted, slip, sentence.language)[0] if slip is not None else 0
            print(f"{sentence.language} {errors}/{count} {sentence.words} | {wanted} | {got}", flush=True)
    unknown = [one for one in heard if one.errors > known.get(one.key, 0)]
    if given.slips:
        kept = {one.key: one.heard for one in heard if one.errors}
        SLIPS.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        unknown = []
    given.page.write_text(page(heard), encoding="utf-8")
    for one in unknown:
        print(f"heard otherwise: {one.key}: {one.sentence.words} | {one.heard}", file=sys.stderr)
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
