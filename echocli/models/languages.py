"""The languages Whisper knows: code and English name (openai/whisper, whisper/tokenizer.py)."""

from __future__ import annotations

from difflib import get_close_matches

from echocli.errors import UsageError

_TABLE = """
af afrikaans|am amharic|ar arabic|as assamese|az azerbaijani|ba bashkir|be belarusian|bg bulgarian
bn bengali|bo tibetan|br breton|bs bosnian|ca catalan|cs czech|cy welsh|da danish|de german|el greek
en english|es spanish|et estonian|eu basque|fa persian|fi finnish|fo faroese|fr french|gl galician
gu gujarati|ha hausa|haw hawaiian|he hebrew|hi hindi|hr croatian|ht haitian creole|hu hungarian
hy armenian|id indonesian|is icelandic|it italian|ja japanese|jw javanese|ka georgian|kk kazakh
km khmer|kn kannada|ko korean|la latin|lb luxembourgish|ln lingala|lo lao|lt lithuanian|lv latvian
mg malagasy|mi maori|mk macedonian|ml malayalam|mn mongolian|mr marathi|ms malay|mt maltese
my myanmar|ne nepali|nl dutch|nn nynorsk|no norwegian|oc occitan|pa punjabi|pl polish|ps pashto
pt portuguese|ro romanian|ru russian|sa sanskrit|sd sindhi|si sinhala|sk slovak|sl slovenian
sn shona|so somali|sq albanian|sr serbian|su sundanese|sv swedish|sw swahili|ta tamil|te telugu
tg tajik|th thai|tk turkmen|tl tagalog|tr turkish|tt tatar|uk ukrainian|ur urdu|uz uzbek
vi vietnamese|yi yiddish|yo yoruba|yue cantonese|zh chinese
"""

LANGUAGES: dict[str, str] = dict(
    entry.split(" ", 1) for line in _TABLE.split("\n") for entry in line.split("|") if entry
)
"""Code → English name."""

_ALIASES = {
    "burmese": "my", "valencian": "ca", "flemish": "nl", "haitian": "ht", "letzeburgesch": "lb",
    "pushto": "ps", "panjabi": "pa", "moldavian": "ro", "moldovan": "ro", "sinhalese": "si",
    "castilian": "es", "mandarin": "zh",
}  # fmt: skip

AUTO = "auto"


def parse_language(text: str | None) -> str | None:
    """Return the code of a language given by code or name; ``None`` for ``auto`` or nothing.

    Raises ``UsageError`` with the nearest names for anything else.
    """
    word = (text or AUTO).strip().lower()
    if word == AUTO:
        return None
    names = {name: code for code, name in LANGUAGES.items()} | _ALIASES
    code = word if word in LANGUAGES else names.get(word)
    if code is None:
        spoken = word.replace("_", "-").partition("-")[0]  # of a tag with a region, as in en-US
        near = [spoken] if spoken in LANGUAGES else get_close_matches(word, [*names, *LANGUAGES], 2)
        hint = f"did you mean {' or '.join(near)}?" if near else "use a code such as en, de or fr"
        raise UsageError(f"unknown language '{text}'", hint=hint)
    return code
