"""Write alice.txt: the book that the source package of brotli ships as a test file.

By hand, once: `pip download --no-deps --no-binary :all: brotli==1.2.1`, then
`python data/make_text.py brotli-1.2.1.tar.gz`.  The package is not installed, only opened.
"""

import hashlib
import re
import sys
import tarfile
from pathlib import Path

MEMBER = "brotli-1.2.1/tests/testdata/alice29.txt"
SHA256 = "7467306ee0feed4971260f3c87421154a05be571d944e9cb021a5713700c38f0"


def tidy(text):
    """The book from its first chapter on: a paragraph, or a line of verse, is one line.

    Without what its editors added, indents, runs of blanks and lines of stars; with one kind of
    quotation mark, so that the vocabulary is small.
    """
    text = text[text.index("CHAPTER I") :].replace("\r\n", "\n").rstrip("\x1a\n")
    text = re.sub(r"\[later editions .*", "", text)
    text = text.translate(str.maketrans('`"', "''", "*_[]"))
    # a line that is not indented goes on with the one before, after a dash or before one directly
    text = re.sub(r"(?<=-)\n(?=\w)|(?<=\w)\n(?=--)", "", text)
    text = re.sub(r"(?<=\S)\n(?=\S)", " ", text)
    text = re.sub(r" *\n *", "\n", re.sub(r" +", " ", text))
    return re.sub(r"\n{3,}", "\n\n", text) + "\n"


def main():
    """Check that the package holds the known file, and store it tidied."""
    with tarfile.open(sys.argv[1]) as package:
        book = package.extractfile(MEMBER).read()
    assert hashlib.sha256(book).hexdigest() == SHA256, "this is another edition"
    text = tidy(book.decode("ascii"))
    target = Path(__file__).with_name("alice.txt")
    target.write_text(text, encoding="ascii", newline="\n")
    print(f"{target.name}: {len(text):,} letters, {len(set(text))} different ones")


if __name__ == "__main__":
    main()
