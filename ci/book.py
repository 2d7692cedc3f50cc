"""A preprocessor of mdBook: the pages of a checkout as the pages of a book.

Some pages stand above docs/ (README.md, RUNBOOK.md, ...), and all pages link each other by their places
in the checkout. Pages from above docs/ get a place of their own in the book; links between pages follow
them; links to files that are no pages become text, because the book does not have them. A link to a page
or a picture that the book lacks is an error.

`book.py check FOLDER` holds the finished book to itself: every link of a page leads to a file, and to a
place in it, that the folder has.
"""
import html.parser
import json
import os
import posixpath
import re
import sys
import urllib.parse

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")


def chapters(items):
    for item in items:
        if isinstance(item, dict) and "Chapter" in item:
            yield item["Chapter"]
            yield from chapters(item["Chapter"]["sub_items"])


def place(source):
    """Where the page of this path, below docs/, is in the book."""
    inside = posixpath.normpath(posixpath.join("docs", source))
    # docs/README.md has the name already.
    return "index.md" if inside == "README.md" else inside.removeprefix("docs/")


def fitted(chapter, pages):
    here = posixpath.dirname(posixpath.normpath(posixpath.join("docs", chapter["source_path"])))
    home = posixpath.dirname(chapter["path"])

    def link(found):
        mark, text, target = found.groups()
        if re.match(r"[a-z]+:|#", target):
            return found.group(0)
        path, _, anchor = target.partition("#")
        path = posixpath.normpath(posixpath.join(here, path))
        if not os.path.exists(os.path.join(CHECKOUT, path)):
            sys.exit(f"{chapter['source_path']}: {target} does not exist")
        if path in pages:
            to = posixpath.relpath(pages[path], home or ".")
        elif path.startswith("docs/") and not path.endswith(".md") and os.path.isfile(os.path.join(CHECKOUT, path)):
            to = posixpath.relpath(path[len("docs/"):], home or ".")
        elif path.startswith("docs/") and path.endswith(".md"):
            sys.exit(f"{chapter['source_path']}: {target} is a page that docs/SUMMARY.md does not have")
        else:
            return text
        return f"{mark}[{text}]({to}{'#' + anchor if anchor else ''})"

    # Code has no links.
    parts = re.split(r"(^```.*?^```|`[^`\n]+`)", chapter["content"], flags=re.M | re.S)
    return "".join(part if i % 2 else LINK.sub(link, part) for i, part in enumerate(parts))


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.links, self.places = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.places.update(value for key, value in attributes.items() if key in ("id", "name") and value)
        # Pages only: what the theme needs is its own.
        self.links += [attributes[key] for key in ("href", "src") if tag in ("a", "img") and attributes.get(key)]


def check(folder):
    pages = {}
    for where, _, names in os.walk(folder):
        for name in names:
            if name.endswith(".html"):
                path = os.path.join(where, name)
                with open(path, encoding="utf-8") as file:
                    pages[os.path.normpath(path)] = Page(file.read())
    count = 0
    for path, page in pages.items():
        # Both repeat other pages' text, whose links are relative to those.
        if os.path.basename(path) in ("print.html", "toc.html", "404.html"):
            continue
        for link in page.links:
            target, _, place = urllib.parse.unquote(link).partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            to = os.path.normpath(os.path.join(os.path.dirname(path), target)) if target else path
            if not os.path.isfile(to) or place and place not in pages[to].places:
                sys.exit(f"{path}: nothing is at {link}")
            count += 1
    if not count:
        sys.exit(f"{folder}: no page of a book is there")
    print(f"{len(pages)} pages, {count} links inside the book: all lead somewhere")


def main():
    if sys.argv[1:2] == ["check"]:
        return check(sys.argv[2])
    if sys.argv[1:2] == ["supports"]:
        sys.exit(0)
    _, book = json.load(sys.stdin)
    found = list(chapters(book.get("items", book.get("sections", []))))
    pages = {}
    for chapter in found:
        source = posixpath.normpath(posixpath.join("docs", chapter["source_path"]))
        chapter["path"] = pages[source] = place(chapter["source_path"])
    for chapter in found:
        chapter["content"] = fitted(chapter, pages)
    json.dump(book, sys.stdout)


main()
