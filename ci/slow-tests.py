#!/usr/bin/env python3
"""Prints the slowest tests of a nextest run, with the total of each test binary, from its JUnit report."""

import collections
import sys
import xml.etree.ElementTree as ElementTree

if len(sys.argv) not in (2, 3):
    sys.exit("usage: ci/slow-tests.py JUNIT_XML [COUNT]")
path, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else 20

tests = []
binaries = collections.Counter()
for suite in ElementTree.parse(path).getroot().iter("testsuite"):
    for case in suite.iter("testcase"):
        seconds = float(case.get("time", 0))
        binaries[suite.get("name")] += seconds
        tests.append((seconds, suite.get("name"), case.get("name")))
tests.sort(reverse=True)

print(f"the {min(count, len(tests))} slowest of {len(tests)} tests, in seconds:")
for seconds, binary, name in tests[:count]:
    print(f"{seconds:9.1f}  {binary} {name}")
print("sum for each test binary, in seconds (tests run in parallel):")
for binary, seconds in binaries.most_common():
    print(f"{seconds:9.1f}  {binary}")
